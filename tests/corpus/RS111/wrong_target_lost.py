import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def quickly(ctx: Context) -> Context:
    return ctx.options(timeout=timedelta(seconds=20))


async def route(ctx: Context, parcel: str) -> list[str]:
    """The hubs are another team's; their calls go to group `hubs`."""
    hubs = ctx.options(target="hubs", timeout=timedelta(hours=1))
    first = await hubs.rpc("hubs.pass", parcel)
    second = await hubs.options(timeout=timedelta(hours=4)).rpc("hubs.pass", parcel)  # want: RS111
    checked = await quickly(ctx).run(check, parcel)
    return [first, second, checked]


async def check(ctx: Context, parcel: str) -> str:
    return parcel.upper()


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="routes", retry_policy=policy)
    client.register(route)
    await asyncio.Event().wait()
