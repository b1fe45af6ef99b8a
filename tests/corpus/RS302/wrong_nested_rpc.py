"""A step that calls another group on the context of the workflow around it."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def pack(ctx: Context, order: str) -> str:
    return f"parcel of {order}"


async def fulfil(ctx: Context, order: str, cents: int) -> str:
    async def charge(_: Context) -> str:
        bank = ctx.options(target="bank", timeout=timedelta(minutes=2))
        return await bank.rpc("bank.charge", order, cents)  # want: RS302

    receipt = await ctx.run(charge)
    parcel = await ctx.run(pack, order)
    return f"{receipt} {parcel}"


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="orders", retry_policy=policy)
    resonate.register(fulfil)
    await asyncio.Event().wait()


asyncio.run(main())
