"""A seed does not help where the process has one generator for all runs: each draw moves it on."""

import random

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

DICE = random.Random(6)


class Raffle:
    def __init__(self, seed: int) -> None:
        self._tombola = random.Random(seed)

    def _draw(self, tickets: list[str]) -> str:
        return self._tombola.choice(tickets)  # want: RS202

    async def award(self, ctx: Context, ticket: str, prize: int) -> str:
        return f"{ticket}: {prize}"

    async def run(self, ctx: Context, tickets: list[str]) -> str:
        prize = DICE.randint(1, 6)  # want: RS202
        shuffled = sorted(tickets, key=lambda ticket: random.random())  # want: RS202
        return await ctx.run(self.award, self._draw(shuffled), prize)


async def build(seed: int) -> Resonate:
    client = Resonate(url="http://localhost:8001", group="raffle", retry_policy=Never())
    client.register(Raffle(seed).run, name="raffle.run")
    return client
