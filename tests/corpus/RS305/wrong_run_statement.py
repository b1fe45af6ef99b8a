"""A step is started and left alone: whether it failed, nobody learns."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def charge(ctx: Context, order: str) -> str:
    return f"receipt for {order}"


async def mail_receipt(ctx: Context, receipt: str) -> None:
    print("mail", receipt)


async def checkout(ctx: Context, order: str) -> str:
    receipt = await ctx.run(charge, order)
    ctx.run(mail_receipt, receipt)  # want: RS305
    return receipt


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="shop", retry_policy=policy)
    resonate.register(checkout)
    await asyncio.Event().wait()


asyncio.run(main())
