# file: radio/engine.py
from typing import Any

from resonate.resonate import Resonate
from resonate.retry import Exponential, RetryPolicy

DEFAULT = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)


def connect(url: str, group: str, policy: RetryPolicy = DEFAULT) -> Resonate:
    """One place where clients are made; the caller may bring its own policy."""
    return Resonate(url=url, group=group, retry_policy=policy)


def connect_with(**options: Any) -> Resonate:
    return Resonate(**options)

# file: radio/worker.py
import asyncio

from resonate.context import Context

from radio.engine import connect, connect_with
from radio.settings import client_options


async def tune(ctx: Context, station: str) -> str:
    return station


async def record(ctx: Context, station: str) -> str:
    return await ctx.run(tune, station)


async def main() -> None:
    resonate = connect("http://localhost:8001", "radio")
    resonate.register(record)
    other = connect_with(**client_options())
    other.register(tune)
    await asyncio.Event().wait()


asyncio.run(main())

# file: radio/settings.py
import json
import os
from typing import Any


def client_options() -> dict[str, Any]:
    return dict(json.loads(os.environ["RADIO_CLIENT"]))
