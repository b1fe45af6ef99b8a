import random
import time

from resonate.context import Context


async def note(ctx: Context, number: float) -> None:
    print(number)


async def draw(ctx: Context) -> float:
    number = random.random() * time.monotonic()  # noqa: RS201, RS202, RS203  # want: RS001
    await ctx.run(note, number)
    return number
