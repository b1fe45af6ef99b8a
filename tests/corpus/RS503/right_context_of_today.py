"""What took the place of the old calls."""

import asyncio
import random
import time
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


class Desk:
    def ring(self, guest: str) -> str:
        return f"ring for {guest}"


async def roll(ctx: Context) -> int:
    return random.randint(1, 6)


async def ring(ctx: Context, guest: str) -> str:
    return ctx.get_dependency(Desk).ring(guest)


async def stay(ctx: Context, guest: str) -> list[object]:
    room = await ctx.run(roll)
    arrived = await ctx.run(lambda _: time.time())
    bell = ctx.run(ring, guest)
    porter = ctx.rpc("ring", "the porter")
    key = await ctx.promise(timeout=timedelta(hours=1))
    return [room, arrived, await bell, await porter, key, ctx.info.id]


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="hotel", retry_policy=policy)
    client.with_dependency(Desk())
    client.register(stay)
    client.register(ring)
    await asyncio.Event().wait()


asyncio.run(main())
