"""`async` and `await` are there already; the names of the calls are still the old ones."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def wash(ctx: Context, car: str) -> str:
    return f"{car} is clean"


async def service(ctx: Context, car: str) -> list[str]:
    washing = ctx.begin_run(wash, car)  # want: RS503
    remote = ctx.begin_rpc("wash", f"{car}'s mats")  # want: RS503
    await ctx.sleep(timedelta(minutes=20))
    polished = await ctx.lfc(wash, f"{car} again")  # want: RS503
    return [await washing, await remote, polished]


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="garage", retry_policy=policy)
    client.register(service)
    client.register(wash)
    await asyncio.Event().wait()


asyncio.run(main())
