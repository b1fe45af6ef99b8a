"""The plain SDK: a workflow that goes on for ever."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def watch(ctx: Context, sensor: str) -> None:
    while True:  # want: RS312
        await ctx.run(measure, sensor)


async def measure(ctx: Context, sensor: str) -> float:
    return float(len(sensor))


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="sensors", retry_policy=policy)
    resonate.register(watch)
    await asyncio.Event().wait()


asyncio.run(main())
