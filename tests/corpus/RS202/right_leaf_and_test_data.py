# file: game/dice.py
import random

from resonate.context import Context


def roll(sides: int) -> int:
    return random.randint(1, sides)


async def throw(ctx: Context, sides: int, count: int) -> list[int]:
    """A leaf, called by name from other groups too: it draws, and its result is what counts."""
    return [roll(sides) for _ in range(count)]
# file: game/turns.py
from datetime import timedelta

from resonate.context import Context


async def play(ctx: Context, player: str, turns: int) -> int:
    total = 0
    for _ in range(turns):
        total += sum(await ctx.rpc("throw", 6, 2))
        await ctx.sleep(timedelta(seconds=2))
    return total
# file: game/worker.py
import random

from resonate.resonate import Resonate
from resonate.retry import Constant

from game.dice import throw
from game.turns import play


async def build() -> Resonate:
    client = Resonate(
        url="http://localhost:8001",
        group="game",
        pid=f"game-{random.getrandbits(32):08x}",
        retry_policy=Constant(delay=1, max_retries=3),
    )
    client.register(throw)
    client.register(play)
    return client
