"""Orders take another way where a flag is set in the worker's environment."""

import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def check_fraud(ctx: Context, order: str) -> bool:
    return not order.startswith("x")


async def ship(ctx: Context, order: str) -> str:
    return f"parcel-{order}"


async def fulfil(ctx: Context, order: str) -> str | None:
    if os.environ.get("FRAUD_CHECK") == "1":  # want: RS204
        if not await ctx.run(check_fraud, order):
            return None
    return await ctx.run(ship, order)


async def main() -> None:
    client = Resonate(
        url=os.environ["RESONATE_URL"],
        group="orders",
        retry_policy=Exponential(delay=1, factor=2, max_delay=30, max_retries=5),
    )
    client.register(fulfil)
    await asyncio.Event().wait()


asyncio.run(main())
