"""The function that is called stands here too. One has a time limit of its own, and may raise it; the other has not."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def count(ctx: Context, shelf: int) -> int:
    return shelf + 1


async def scan(ctx: Context, shelf: int) -> int:
    async with asyncio.timeout(3):
        return shelf


async def inventory(ctx: Context, shelves: int) -> int:
    robots = ctx.options(target="robots", timeout=timedelta(minutes=4))
    total = 0
    try:
        total += await robots.rpc("scan", 0)
    except TimeoutError:
        total -= 1
    calls = []
    for shelf in range(shelves):
        calls.append(robots.rpc("count", shelf))
    try:
        for call in calls:
            total += await call
    except TimeoutError:  # want: RS309
        total -= 1
    try:
        total += sum([await call for call in calls])
    except (TimeoutError, KeyError):
        total -= 1
    return total


def wire(url: str) -> list[Resonate]:
    office = Resonate(url=url, group="office", retry_policy=Never(), autostart=False)
    office.register(inventory)
    robots = Resonate(url=url, group="robots", retry_policy=Never(), autostart=False)
    robots.register(count)
    robots.register(scan)
    return [office, robots]
