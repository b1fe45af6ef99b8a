"""A step that returns a set without saying so: what arrives is a list, which has no difference."""

from resonate.context import Context


async def members(ctx: Context, club: str):
    return {f"{club}-{number}" for number in range(3)}  # want: RS306


async def both(ctx: Context, first: str, second: str) -> list[str]:
    ours = await ctx.run(members, first)
    theirs = await ctx.run(members, second)
    return sorted(ours & theirs)
