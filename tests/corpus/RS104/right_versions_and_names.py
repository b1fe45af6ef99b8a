import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def build(url: str | None) -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url=url, group="forecast", retry_policy=policy)

    @resonate.register(name="forecast")
    async def simple(ctx: Context, place: str) -> str:
        return f"{place}: as yesterday"

    @resonate.register(name="forecast", version=2)
    async def model(ctx: Context, place: str) -> str:
        return f"{place}: rain"

    for alias in ("forecast.latest", "forecast.stable"):
        resonate.register(model, name=alias)
    resonate.register(model, name="forecast.latest", version=2)
    resonate.register(simple)
    return resonate


async def main() -> None:
    build(os.environ.get("RESONATE_URL"))
    await asyncio.Event().wait()


asyncio.run(main())
