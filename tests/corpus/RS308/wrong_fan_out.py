"""One call to each region, by address."""

import asyncio

from resonate.context import Context

REGIONS = ("north", "south")


async def merge(ctx: Context, parts: list[int]) -> int:
    return sum(parts)


async def census(ctx: Context, year: int) -> int:
    calls = [ctx.options(target=f"poll://any@{region}").rpc("census.count", year) for region in REGIONS]  # want: RS308
    return await ctx.run(merge, list(await asyncio.gather(*calls)))
