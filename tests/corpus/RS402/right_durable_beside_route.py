from datetime import timedelta

from fastapi import FastAPI
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def build(url: str) -> FastAPI:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url=url, group="kiln", retry_policy=policy)
    app = FastAPI()

    @resonate.register
    async def fire_kiln(ctx: Context, degrees: int) -> int:
        await ctx.sleep(timedelta(hours=6))
        return degrees

    @app.post("/firings/{batch}", status_code=202)
    async def fire(batch: str, degrees: int) -> dict[str, str]:
        handle = resonate.options(timeout=timedelta(days=1)).run(f"firing/{batch}", fire_kiln, degrees)
        return {"id": await handle.id()}

    return app
