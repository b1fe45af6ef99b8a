import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Linear

Stage = Callable[..., Any]


async def crush(ctx: Context, tons: int) -> int:
    return tons - 1


async def sieve(ctx: Context, tons: int) -> int:
    return tons - 2


async def wash(ctx: Context, tons: int) -> int:
    return tons - 3


async def quarry(ctx: Context, tons: int, wet: bool) -> int:
    stages: list[Stage] = [crush, wash if wet else sieve]
    for stage in stages:
        tons = await ctx.options(timeout=timedelta(hours=1)).rpc(stage, tons)
    return tons


async def launch(client: Resonate, function: Stage, tons: int) -> int:
    """Whatever the caller has registered."""
    return await client.run(f"quarry/{tons}", function, tons, wet=True).result()


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="quarry", retry_policy=Linear(delay=1, max_retries=5))
    for stage in (crush, sieve, wash):
        client.register(stage)
    print(await launch(client, client.register(quarry), 40))


asyncio.run(main())
