from datetime import UTC, datetime

from resonate.context import Context


async def now(ctx: Context) -> str:
    return datetime.now(UTC).isoformat()


async def stamp(ctx: Context, letter: str) -> str:
    at = await ctx.run(now)  # noqa: RS201  # want: RS001
    return f"{letter} of {at}"
