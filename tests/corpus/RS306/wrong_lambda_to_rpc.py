"""A filter is sent to another group, as code."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def tally(ctx: Context, names: list[str]) -> int:
    return len(names)


async def report(ctx: Context, year: int) -> int:
    archive = ctx.options(target="archive", timeout=timedelta(minutes=10))
    names = await archive.rpc("archive.find", lambda row: row["year"] == year)  # want: RS306
    return await ctx.run(tally, names)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="reports", retry_policy=policy)
    resonate.register(report)
    await asyncio.Event().wait()


asyncio.run(main())
