# file: honey/steps.py
from resonate.context import Context


async def spin_frames(ctx: Context, frames: int) -> float:
    return frames * 1.8


async def press_combs(ctx: Context, combs: int) -> float:  # want: RS107
    return combs * 1.2


def label(ctx: Context, jar: int) -> str:
    return f"jar {jar}"

# file: honey/harvest.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

from honey.steps import label, spin_frames


async def harvest(ctx: Context, frames: int) -> list[str]:
    kilos = await ctx.run(spin_frames, frames)
    return [await ctx.run(label, jar) for jar in range(int(kilos))]


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="hives", retry_policy=policy)
    client.register(harvest)
    await asyncio.Event().wait()
