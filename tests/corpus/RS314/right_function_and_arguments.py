from resonate.context import Context
from resonate.resonate import Resonate


async def charge(ctx: Context, cents: int) -> str:
    return f"charged {cents}"


async def checkout(ctx: Context, cents: int) -> str:
    first = await ctx.run(charge, cents)
    return first + await ctx.run(lambda ctx: charge(ctx, cents))


def register(resonate: Resonate) -> None:
    resonate.register(checkout)
