# file: robots/plugins.py
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Any


def actions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for entry in entry_points(group="robots.actions"):
        yield entry.name, entry.load()

# file: robots/worker.py
import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant

from robots.plugins import actions


async def shift(ctx: Context, robot: str, steps: list[str]) -> list[str]:
    said = [await ctx.options(timeout=timedelta(minutes=1)).rpc("calibrate", robot)]
    for step in steps:
        said.append(await ctx.options(timeout=timedelta(minutes=5)).rpc(f"move.{step}", robot))
    return said


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="robots", retry_policy=Constant(delay=1, max_retries=20))
    client.register(shift)
    for name, action in actions():
        client.register(action, name=name)
    await asyncio.Event().wait()


asyncio.run(main())
