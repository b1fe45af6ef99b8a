"""The key of a payment is made of what identifies it, by the hash of a tuple."""

from resonate.context import Context
from resonate.resonate import Resonate


async def pay(ctx: Context, key: str, cents: int) -> str:
    return f"{key}: {cents}"


async def payout(ctx: Context, account: str, month: str, cents: int) -> str:
    key = f"payout-{hash((account, month))}"  # want: RS211
    return await ctx.run(pay, key, cents)


def register(resonate: Resonate) -> None:
    resonate.register(payout)
