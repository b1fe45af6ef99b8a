import asyncio
from datetime import timedelta

from resonate.context import Context


async def book(ctx: Context, what: str, city: str) -> str:
    return f"{what} in {city}"


async def flight(ctx: Context, city: str) -> str:
    booked = await ctx.run(book, "flight", city)
    await ctx.sleep(timedelta(minutes=1))
    return booked


async def hotel(ctx: Context, city: str) -> str:
    found: list[str] = []
    for what in ("room", "breakfast"):
        found.append(await ctx.run(book, what, city))
    return ", ".join(found)


async def trip(ctx: Context, city: str) -> list[str]:
    return await asyncio.gather(
        flight(ctx, city),  # want: RS212
        hotel(ctx, city),
    )


async def trip_by_name(ctx: Context, city: str) -> list[str]:
    by_air, at_night = flight(ctx, city), hotel(ctx, city)
    both = [flight(ctx, city), hotel(ctx, city)]  # want: RS212
    print(by_air, at_night)
    return await asyncio.gather(*both)
