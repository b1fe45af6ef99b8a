import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def find_seats(ctx: Context, show: str, count: int) -> list[str]:
    return [f"{show}-{seat}" for seat in range(count)]


async def hold_seats(ctx: Context, seats: list[str], minutes: int = 10) -> str:
    return f"{len(seats)} for {minutes} min"


async def book(ctx: Context, show: str, count: int) -> str:
    """The context is injected: it is not an argument of the call."""
    seats = await ctx.run(find_seats, ctx, show, count)  # want: RS108
    held = await ctx.options(timeout=timedelta(minutes=1)).run(hold_seats, seats, minutes=15)
    return held


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="theatre", retry_policy=policy)
    client.register(book)
    await asyncio.Event().wait()
