# file: pottery/kiln.py
from resonate.context import Context


async def fire(ctx: Context, piece: str, degrees: int) -> str:
    return f"{piece} at {degrees}"

# file: pottery/workshop.py
import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

from pottery.kiln import fire


async def glaze(ctx: Context, piece: str) -> str:
    return f"{piece}, blue"


async def make(ctx: Context, piece: str) -> str:
    near = ctx.options(timeout=timedelta(days=1))
    glazed = await near.rpc(glaze, piece)
    return await near.rpc(fire, glazed, 1240)  # want: RS106


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="workshop", retry_policy=policy)
    client.register(glaze)
    client.register(make)
    await asyncio.Event().wait()
