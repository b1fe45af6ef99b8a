"""A trial period that is over at once."""

from datetime import timedelta

from resonate.context import Context


async def set_plan(ctx: Context, account: str, plan: str) -> str:
    return f"{account}: {plan}"


async def trial(ctx: Context, account: str, days: int) -> str:
    await ctx.run(set_plan, account, "trial")
    ctx.sleep(timedelta(days=days))  # want: RS305
    return await ctx.run(set_plan, account, "free")
