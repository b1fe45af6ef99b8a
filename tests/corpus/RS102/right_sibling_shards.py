import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

HERE, BESIDE = "region-1", "region-2"


async def store(ctx: Context, key: str, value: str) -> str:
    return f"{key}={value}"


async def put(ctx: Context, key: str, value: str) -> list[str]:
    """The neighbour runs from a repository of its own. Its name is like ours, and no misspelling of it."""
    mine = ctx.options(timeout=timedelta(seconds=30)).rpc("store", key, value)
    theirs = ctx.options(target=BESIDE, timeout=timedelta(minutes=5)).rpc("mirror", key, value)
    backup = ctx.options(target="region-10", timeout=timedelta(minutes=5)).rpc("archive", key, value)
    return [await mine, await theirs, await backup]


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group=HERE, retry_policy=policy)
    client.register(store)
    client.register(put)
    await asyncio.Event().wait()


asyncio.run(main())
