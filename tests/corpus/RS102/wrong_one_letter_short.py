# file: vineyard/press.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def press_grapes(ctx: Context, kilos: int) -> int:
    return kilos * 7 // 10


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="presses", retry_policy=policy)
    client.register(press_grapes)
    await asyncio.Event().wait()

# file: vineyard/harvest.py
import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def harvest(ctx: Context, plots: list[int]) -> int:
    calls = []
    for kilos in plots:
        calls.append(ctx.options(target="preses", timeout=timedelta(hours=3)).rpc("press_grapes", kilos))  # want: RS102
    return sum(await asyncio.gather(*calls))


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="harvest", retry_policy=policy)
    client.register(harvest)
    await asyncio.Event().wait()
