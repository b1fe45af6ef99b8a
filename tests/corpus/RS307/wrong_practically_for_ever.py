"""Policies that are given, and end in years."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant, Exponential, Linear


async def sync_feed(ctx: Context, feed: str) -> int:
    return len(feed)


async def publish_feed(ctx: Context, feed: str) -> str:
    return feed


async def trim_feed(ctx: Context, feed: str) -> str:
    return feed[:10]


async def main() -> None:
    steady = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)
    resonate = Resonate(url="http://localhost:8001", group="feeds", retry_policy=steady)
    resonate.register(sync_feed, retry_policy=Constant(delay=60, max_retries=1_000_000))  # want: RS307
    resonate.register(publish_feed, retry_policy=Linear(delay=5, max_retries=10**6))  # want: RS307
    resonate.register(trim_feed, retry_policy=Constant(delay=1, max_retries=20))
    await asyncio.Event().wait()


asyncio.run(main())
