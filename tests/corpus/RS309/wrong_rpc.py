"""A bounded call to another group; what it raises when the time is over is something else."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def cached_rate(ctx: Context, currency: str) -> float:
    return 1.0


async def convert(ctx: Context, cents: int, currency: str) -> int:
    market = ctx.options(target="market", timeout=timedelta(seconds=20))
    try:
        rate = await market.rpc("market.rate", currency)
    except TimeoutError:  # want: RS309
        rate = await ctx.run(cached_rate, currency)
    return round(cents * rate)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="desk", retry_policy=policy)
    resonate.register(convert)
    await asyncio.Event().wait()


asyncio.run(main())
