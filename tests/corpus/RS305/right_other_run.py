"""run() of other things: an event loop's, an engine's of the game, a scheduler's that returns nothing."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Physics:
    def __init__(self) -> None:
        self.steps = 0

    def run(self, body: str, ticks: int) -> None:
        self.steps += ticks * len(body)

    def sleep(self, ticks: int) -> None:
        self.steps -= ticks


async def save(ctx: Context, steps: int) -> int:
    return steps


async def play(ctx: Context, bodies: list[str]) -> int:
    physics = Physics()
    for body in bodies:
        physics.run(body, ticks=60)
    physics.sleep(3)
    return await ctx.run(save, physics.steps)


async def main() -> None:
    resonate = Resonate(retry_policy=Never())
    resonate.register(play)
    print(await resonate.run("game/1", play, ["moon"]).result())


asyncio.run(main())
