"""Off, linear, and at the very bound: each ends."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant, Exponential, Linear, Never


async def draw(ctx: Context, seed: int) -> int:
    return seed * 7 % 49


async def announce(ctx: Context, numbers: list[int]) -> str:
    return " ".join(map(str, numbers))


async def lottery(ctx: Context, seed: int) -> str:
    often = ctx.options(retry_policy=Linear(delay=1, max_retries=1000))
    numbers = [await often.run(draw, seed + at) for at in range(6)]
    return await ctx.rpc(announce, numbers)


async def main() -> None:
    strict = Resonate(url="http://localhost:8001", group="lottery", retry_policy=Never())
    strict.register(lottery)
    strict.register(announce, retry_policy=Constant(delay=30, max_retries=1_000))
    loose = Resonate(
        url="http://localhost:8001",
        group="draws",
        retry_policy=Exponential(delay=1, factor=2, max_delay=3600, max_retries=24),
    )
    loose.register(draw)
    await asyncio.Event().wait()


asyncio.run(main())
