# file: ferry/__init__.py

# file: ferry/deps.py
from resonate.resonate import Resonate

client: Resonate | None = None


def init(url: str) -> None:
    global client
    client = Resonate(url=url, group="ferry", autostart=False)  # want: RS307


def get() -> Resonate:
    assert client is not None
    return client

# file: ferry/crossing.py
"""A module's client, that a function makes and another gives out."""

from resonate.context import Context

from .deps import get


async def cast_off(ctx: Context, ferry: str) -> str:
    return f"{ferry} is under way"


async def cross(ctx: Context, ferry: str) -> str:
    return await ctx.run(cast_off, ferry)


def start() -> None:
    get().register(cross)
