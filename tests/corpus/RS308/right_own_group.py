"""Calls to the group that makes them: whoever runs this also runs those."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

GROUP = "solver"


async def solve(ctx: Context, depth: int) -> int:
    if depth == 0:
        return 1
    calls = [ctx.options(target=GROUP).rpc("solve", depth - 1) for _ in range(2)]
    own = ctx.options(version=1).rpc("estimate", depth)
    address = ctx.options(target="poll://any@solver").rpc("estimate", depth)
    return sum([await call for call in calls]) + await own + await address + await ctx.rpc("estimate", 0)


async def estimate(ctx: Context, depth: int) -> int:
    return 2**depth


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group=GROUP, retry_policy=policy)
    resonate.register(solve)
    resonate.register(estimate)
    await asyncio.Event().wait()


asyncio.run(main())
