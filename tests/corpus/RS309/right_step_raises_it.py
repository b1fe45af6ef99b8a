"""The step has a time limit inside, and what it raises reaches the workflow as what it was."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def scan(ctx: Context, host: str) -> int:
    async with asyncio.timeout(5):
        _, writer = await asyncio.open_connection(host, 22)
    writer.close()
    return 22


async def audit(ctx: Context, hosts: list[str]) -> list[str]:
    silent = []
    for host in hosts:
        try:
            await ctx.options(retry_policy=Never()).run(scan, host)
        except TimeoutError:
            silent.append(host)
    return silent


def register(resonate: Resonate) -> None:
    resonate.register(audit)
