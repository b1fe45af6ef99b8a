import random

from resonate.context import Context


async def note(ctx: Context, winner: int) -> None:
    print(winner)


async def lottery(ctx: Context, tickets: list[int]) -> int:
    winner = random.choice(tickets)  # noqa: RS2O2  # want: RS001, RS202
    await ctx.run(note, winner)
    return winner
