import os
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI, Request
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def resize(ctx: Context, image: str, width: int) -> str:
    return f"{image}@{width}"


async def make_thumbnails(ctx: Context, image: str) -> list[str]:
    sizes = [ctx.run(resize, image, width) for width in (64, 256, 1024)]
    return [await size for size in sizes]


@asynccontextmanager
async def lifespan(app: FastAPI):
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="images", retry_policy=policy)
    app.state.resonate.register(make_thumbnails)
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/images/{image}/thumbnails", status_code=202)
async def thumbnails(image: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    here = resonate.options(timeout=timedelta(minutes=10))
    handle = here.run(f"thumbnails/{image}", make_thumbnails, image)
    return {"id": await handle.id()}
