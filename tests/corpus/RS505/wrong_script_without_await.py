"""A script that prints what a handle was in older releases."""

import asyncio
import sys

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def plant(ctx: Context, trees: int) -> int:
    return trees * 10


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="forest", retry_policy=policy)
    client.register(plant)
    handle = client.run("plant/spring", plant, int(sys.argv[1]))
    print("started", handle.promise_id)  # want: RS505
    print("planted", handle.result())  # want: RS505
    await client.stop()


if __name__ == "__main__":
    asyncio.run(main())
