import asyncio
from concurrent.futures import ThreadPoolExecutor

from resonate.context import Context

POOL = ThreadPoolExecutor(2)


async def look_up(title: str) -> int:
    return len(title)


def pages_of(title: str) -> int:
    return len(title)


async def by_task(ctx: Context, title: str) -> int:
    task = asyncio.create_task(look_up(title))
    return await task


async def by_declared_task(ctx: Context, title: str) -> int:
    task: asyncio.Task[int] = asyncio.ensure_future(look_up(title))
    try:
        return await task
    finally:
        task.cancel()


async def by_future(ctx: Context, title: str) -> str:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()
    loop.call_soon(answer.set_result, title)
    return await answer


async def in_a_thread(ctx: Context, title: str) -> int:
    counted = asyncio.get_running_loop().run_in_executor(POOL, pages_of, title)
    return await counted


async def in_a_group(ctx: Context, title: str) -> list[int]:
    async with asyncio.TaskGroup() as group:
        first, second = group.create_task(look_up(title)), group.create_task(look_up(title.upper()))
    return [await first, await second]


async def shielded(ctx: Context, title: str):
    looking = asyncio.create_task(look_up(title))
    return await asyncio.shield(looking)


async def library(ctx: Context, title: str) -> int:
    await ctx.run(by_task, title)
    await ctx.run(by_declared_task, title)
    await ctx.run(by_future, title)
    await ctx.run(in_a_thread, title)
    await ctx.run(in_a_group, title)
    return await ctx.run(shielded, title)
