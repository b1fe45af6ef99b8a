"""A client that waits: there the handle does raise the SDK's error, and wait_for its own."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.error import ResonateTimeoutError
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def ticket(ctx: Context, number: int) -> int:
    await ctx.sleep(timedelta(seconds=number))
    return number


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="tickets", retry_policy=policy)
    resonate.register(ticket)
    handle = resonate.options(timeout=timedelta(seconds=30)).run("ticket/7", ticket, 7)
    try:
        print(await asyncio.wait_for(handle.result(), 10))
    except ResonateTimeoutError:
        print("it timed out")
    except TimeoutError:
        print("we waited for ten seconds")
    await resonate.stop()


asyncio.run(main())
