# file: fleet/worker.py
import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def locate(ctx: Context, van: str) -> str:
    return van


async def route(ctx: Context, van: str) -> str:
    near = ctx.options(target="tracker", timeout=timedelta(minutes=1))
    place = await near.rpc("locate", van)  # want: RS102
    return f"{van} at {place}"


async def work(group: str, functions: Sequence[Callable[..., Any]]) -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group=group, retry_policy=Never())
    for function in functions:
        client.register(function)
    await asyncio.Event().wait()

# file: fleet/trackers.py
import asyncio

from fleet.worker import locate, work

asyncio.run(work("trackers", [locate]))

# file: fleet/routes.py
import asyncio

from fleet.worker import route, work

asyncio.run(work(group="routes", functions=(route,)))
