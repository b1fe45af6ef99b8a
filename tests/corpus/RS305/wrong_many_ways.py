"""Futures that go nowhere in less plain ways: a list that only grows, one half of a pair, a gather that is not awaited."""

import asyncio

from resonate.context import Context, ResonateFuture


async def water(ctx: Context, plant: str) -> int:
    return len(plant)


async def garden(ctx: Context, plants: list[str], dry: bool) -> int:
    calls = []
    for plant in plants:
        calls.append(ctx.run(water, plant))  # want: RS305
    first, second = ctx.run(water, "rose"), ctx.run(water, "lily")  # want: RS305
    third: ResonateFuture[int] = ctx.run(water, "fern")  # want: RS305
    asyncio.gather(ctx.run(water, "moss"))  # want: RS305
    dry and ctx.run(water, "lawn")  # want: RS305
    _ = [ctx.run(water, plant) for plant in plants]  # want: RS305
    return await first
