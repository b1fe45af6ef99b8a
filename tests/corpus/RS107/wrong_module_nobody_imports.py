# file: stage/lights.py
from resonate.context import Context


async def dim(ctx: Context, percent: int) -> int:
    return 100 - percent

# file: stage/sound.py
"""Nothing imports this module, so the worker never knows of it."""

from datetime import timedelta

from resonate.context import Context


def level(ctx: Context, scene: int) -> int:
    return scene * 10


async def fade(ctx: Context, scenes: int) -> int:  # want: RS107
    loudness = 0
    for scene in range(scenes):
        loudness += await ctx.run(level, scene)
        await ctx.sleep(timedelta(minutes=1))
    return loudness

# file: stage/worker.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Constant

from stage import lights


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="stage", retry_policy=Constant(delay=1, max_retries=30))
    client.register(lights.dim)
    await asyncio.Event().wait()
