"""Sends a newsletter to everybody in a list that lies on the worker's disk."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def send(ctx: Context, to: str, subject: str) -> None:
    print(to, subject)


async def newsletter(ctx: Context, subject: str, list_path: str) -> int:
    with open(list_path, encoding="utf-8") as lines:  # want: RS205
        recipients = [line.strip() for line in lines if "@" in line]
    for recipient in recipients:
        await ctx.run(send, recipient, subject)
    return len(recipients)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="news", retry_policy=policy)
    client.register(newsletter)
    await asyncio.Event().wait()


asyncio.run(main())
