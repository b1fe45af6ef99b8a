"""A command that starts work with objects of its own process."""

import asyncio
import sys
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def ingest(ctx: Context, source: Any, guard: Any) -> int:
    return len(source.read())


async def main(path: str) -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="ingest", retry_policy=policy)
    resonate.register(ingest)
    handle = resonate.run("ingest/1", ingest, open(path), None)  # want: RS306
    print(await handle.result())
    other = resonate.rpc("ingest/2", "ingest", path, guard=asyncio.Lock())  # want: RS306
    print(await other.result())


asyncio.run(main(sys.argv[1]))
