"""`gather` keeps the order of its arguments; `sleep(0)` only lets others run; `ctx.sleep` is recorded."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def check(ctx: Context, site: str) -> bool:
    return site.startswith("https")


async def alarm(ctx: Context, site: str) -> None:
    print("down:", site)


async def monitor(ctx: Context, sites: list[str], rounds: int) -> int:
    alarms = 0
    for _ in range(rounds):
        up = await asyncio.gather(*(ctx.run(check, site) for site in sites))
        await asyncio.sleep(0)
        for site, fine in zip(sites, up, strict=True):
            if not fine:
                await ctx.run(alarm, site)
                alarms += 1
        await ctx.sleep(timedelta(minutes=1))
    return alarms


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="monitor", retry_policy=policy)
    client.register(monitor)
    await asyncio.Event().wait()


asyncio.run(main())
