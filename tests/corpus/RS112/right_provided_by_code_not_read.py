# file: bakery/plugins.py
from importlib.metadata import entry_points


def ovens() -> list[object]:
    return [entry.load()() for entry in entry_points(group="bakery.ovens")]

# file: bakery/worker.py
import asyncio
import os
from collections.abc import Sequence
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Linear

from bakery.plugins import ovens


class Oven:
    degrees = 220


class GasOven(Oven):
    degrees = 240


async def bake(ctx: Context, loaf: str) -> str:
    return f"{loaf} at {ctx.get_dependency(Oven).degrees}"


async def work(dependencies: Sequence[Any]) -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="bakery", retry_policy=Linear(delay=1, max_retries=5))
    client.register(bake)
    client.with_dependency(GasOven())
    for dependency in (*dependencies, *ovens()):
        client.with_dependency(dependency)
    await asyncio.Event().wait()


asyncio.run(work([Oven()]))
