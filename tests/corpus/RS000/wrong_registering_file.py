# file: a/broken.py
def register(client  # want: RS000
    client.register(child)
# file: a/main.py
import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def unused(ctx: Context, n: int) -> int:
    return n


async def parent(ctx: Context, n: int) -> int:
    return await ctx.options(timeout=timedelta(minutes=1)).rpc("child", n)


async def main() -> None:
    client = Resonate(group="a", retry_policy=Never())
    client.register(parent)
    await client.run("p", unused, 2).result()
    await asyncio.Event().wait()
