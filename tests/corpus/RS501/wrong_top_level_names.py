"""Ported by hand to async functions; only the import was left behind."""

import asyncio

from resonate import Context, Resonate  # want: RS501
from resonate.retry import Exponential


async def stamp(ctx: Context, parcel: str) -> str:
    return f"{parcel}: stamped"


async def post(ctx: Context, parcel: str) -> str:
    return await ctx.run(stamp, parcel)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="post", retry_policy=policy)
    client.register(post)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
