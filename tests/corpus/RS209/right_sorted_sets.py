"""Sets are put in order before anything is called."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def close(ctx: Context, branch: str) -> int:
    return len(branch)


async def report(ctx: Context, branches: list[str]) -> None:
    print(branches)


async def close_day(ctx: Context, open_branches: list[str], holidays: list[str]) -> int:
    due = set(open_branches) - set(holidays)
    total = 0
    for branch in sorted(due):
        total += await ctx.run(close, branch)
        await ctx.sleep(timedelta(seconds=1))
    ordered = list(due)
    ordered.sort()
    await ctx.run(report, ordered)
    late = [ctx.run(close, branch) for branch in sorted(due & {"north", "south"}, key=len, reverse=True)]
    return total + sum([await call for call in late])


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="branches", retry_policy=policy)
    client.register(close_day)
    await asyncio.Event().wait()


asyncio.run(main())
