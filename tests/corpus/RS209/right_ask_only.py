"""Sets that are asked, counted, compared and added up: their order is never seen."""

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

WEEKEND = {"sat", "sun"}


async def seats_of(ctx: Context, day: str) -> set[str]:
    return {f"{day}-{number}" for number in range(4)}


async def book(ctx: Context, seat: str, price: int) -> str:
    return f"{seat} for {price}"


async def reserve(ctx: Context, day: str, wanted: list[str]) -> list[str]:
    free = await ctx.run(seats_of, day)
    if not set(wanted) <= free or len(free) == len(wanted) == 0:
        return []
    price = 15 if day in WEEKEND else 10
    longest = max(len(seat) for seat in free)
    vowels = sum(seat.count("a") for seat in free)
    initials = {seat[0] for seat in free}
    booked: list[str] = []
    for seat in wanted:
        if seat in free and seat[0] in initials:
            booked.append(await ctx.run(book, seat, price + longest + vowels))
            free.discard(seat)
    return booked


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="theatre", retry_policy=Never())
    client.register(reserve)
    return client
