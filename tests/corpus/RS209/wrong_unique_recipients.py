"""Tells everybody about a change of plan, nobody twice."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def notify(ctx: Context, who: str, text: str) -> None:
    print(who, text)


async def announce(ctx: Context, text: str, players: list[str], parents: list[str]) -> int:
    everybody = set(players) | set(parents)
    for who in everybody:  # want: RS209
        await ctx.run(notify, who, text)
    return len(everybody)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="club", retry_policy=policy)
    client.register(announce)
    await asyncio.Event().wait()


asyncio.run(main())
