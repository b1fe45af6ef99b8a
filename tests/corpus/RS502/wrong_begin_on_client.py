"""Half way to 0.8: the client is built as it should be, the calls are the old ones."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def peel(ctx: Context, apples: int) -> int:
    return apples


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="kitchen", retry_policy=policy)
    client.register(peel)
    here = client.begin_run("peel/1", peel, 4)  # want: RS502
    there = client.begin_rpc("peel/2", "peel", 5)  # want: RS502
    print(here, there)
    print(client.rfc("peel/3", "peel", 6))  # want: RS502
    print(client.lfi("peel/4", peel, 7))  # want: RS502


asyncio.run(main())
