"""Numbers tickets with a counter of the module."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

_last_number = 0


async def print_ticket(ctx: Context, number: int, seat: str) -> None:
    print(number, seat)


async def sell(ctx: Context, seat: str) -> int:
    global _last_number
    _last_number += 1  # want: RS210
    number = _last_number
    await ctx.run(print_ticket, number, seat)
    return number


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="tickets", retry_policy=policy)
    client.register(sell)
    await asyncio.Event().wait()


asyncio.run(main())
