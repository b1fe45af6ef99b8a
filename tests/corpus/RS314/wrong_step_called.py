from resonate.context import Context
from resonate.resonate import Resonate


async def charge(ctx: Context, cents: int) -> str:
    return f"charged {cents}"


async def checkout(ctx: Context, cents: int) -> str:
    return await ctx.run(charge(ctx, cents))  # want: RS314


def register(resonate: Resonate) -> None:
    resonate.register(checkout)
