"""The client and the imports are new; the workflow still yields."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def water(ctx: Context, plant: str) -> int:
    return len(plant)


def garden(ctx: Context, plants: list[str]) -> int:
    litres = 0
    for plant in plants:
        litres += yield ctx.run(water, plant)  # want: RS504
        yield ctx.sleep(timedelta(hours=1))
    return litres


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="garden", retry_policy=policy)
    client.register(garden)
    await asyncio.Event().wait()


asyncio.run(main())
