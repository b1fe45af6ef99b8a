"""A raffle: the draw is a workflow of its own, run as a child."""

import asyncio
from random import sample, shuffle

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def notify(ctx: Context, who: str, text: str) -> None:
    print(who, text)


async def draw(ctx: Context, tickets: list[str], prizes: list[str]) -> dict[str, str]:
    winners = sample(tickets, len(prizes))  # want: RS202
    for winner in winners:
        await ctx.run(notify, winner, "you have won")
    return dict(zip(prizes, winners, strict=True))


async def raffle(ctx: Context, tickets: list[str], prizes: list[str]) -> dict[str, str]:
    order = list(prizes)
    shuffle(order)  # want: RS202
    result = await ctx.run(draw, tickets, order)
    await ctx.run(notify, "office", "the raffle is over")
    return result


async def main() -> None:
    client = Resonate(url="http://localhost:8001", group="raffles", retry_policy=Never())
    client.register(raffle)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
