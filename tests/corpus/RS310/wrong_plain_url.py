"""The usual worker: deaf after five minutes."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def greet(ctx: Context, name: str) -> str:
    return f"hello {name}"


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="greeters", retry_policy=policy)  # want: RS310
    resonate.register(greet)
    await asyncio.Event().wait()


asyncio.run(main())
