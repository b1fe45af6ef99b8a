from datetime import timedelta

from resonate.context import Context


async def water(ctx: Context, bed: str) -> float:
    return 4.5


async def round_of_beds(ctx: Context, beds: list[str]) -> float:
    litres = 0.0
    for bed in beds:
        litres += await ctx.options(timeout=timedelta(minutes=5)).run(water, bed  # want: RS000
    await ctx.sleep(timedelta(hours=8))
    return litres
