"""Charges a card; the reference is meant to keep the charge from happening twice."""

import asyncio
import uuid

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def charge(ctx: Context, reference: str, card: str, cents: int) -> bool:
    return cents > 0 and bool(reference and card)


async def send_receipt(ctx: Context, reference: str, email: str) -> None:
    print(email, reference)


async def checkout(ctx: Context, card: str, cents: int, email: str) -> str:
    reference = str(uuid.uuid4())  # want: RS203
    if not await ctx.run(charge, reference, card, cents):
        raise ValueError("the card was declined")
    await ctx.run(send_receipt, reference, email)
    return reference


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="checkout", retry_policy=policy)
    client.register(checkout)
    await asyncio.Event().wait()


asyncio.run(main())
