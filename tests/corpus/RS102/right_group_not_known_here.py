# file: fleet/functions.py
from datetime import timedelta

from resonate.context import Context


async def locate(ctx: Context, van: str) -> tuple[float, float]:
    return (52.5, 13.4) if van else (0.0, 0.0)


async def dispatch(ctx: Context, van: str) -> str:
    place = await ctx.options(target="trackers", timeout=timedelta(minutes=1)).rpc("locate", van)
    return f"{van} at {place}"

# file: fleet/worker.py
import argparse
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Exponential

from fleet.functions import dispatch, locate


async def work(group: str) -> None:
    """Every process has all functions and joins the group it is told to."""
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group=group, retry_policy=policy)
    client.register(locate)
    client.register(dispatch)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("group")
    asyncio.run(work(parser.parse_args().group))
