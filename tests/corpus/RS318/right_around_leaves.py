import asyncio
from contextlib import suppress

from resonate.context import Context


async def read(ctx: Context, path: str) -> str:
    task = asyncio.create_task(asyncio.sleep(10))
    task.cancel()
    with suppress(BaseException):
        await task
    return path


async def copy(ctx: Context, path: str) -> str:
    try:
        found = await ctx.run(read, path)
    except BaseException:
        found = ""
    with suppress(BaseException):
        await ctx.run(read, found)
    await ctx.rpc("archive", found)
    return found
