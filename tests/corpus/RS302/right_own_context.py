"""The nested function is a workflow of its own, on its own context."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def weigh(ctx: Context, parcel: str) -> int:
    return len(parcel) * 100


async def ship(ctx: Context, parcel: str) -> str:
    async def label(step: Context) -> str:
        grams = await step.run(weigh, parcel)
        carrier = step.options(target="carrier", timeout=timedelta(minutes=2))
        return await carrier.rpc("carrier.label", parcel, grams)

    printed = await ctx.run(label)
    await ctx.sleep(timedelta(hours=1))
    return printed


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="shipping", retry_policy=policy)
    resonate.register(ship)
    await asyncio.Event().wait()


asyncio.run(main())
