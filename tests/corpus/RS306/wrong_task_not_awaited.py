import asyncio

from resonate.context import Context


async def fetch(title: str) -> str:
    return title.title()


async def begin(ctx: Context, title: str) -> asyncio.Task[str]:
    return asyncio.create_task(fetch(title))  # want: RS306


async def promise(ctx: Context) -> asyncio.Future[str]:
    return asyncio.get_running_loop().create_future()  # want: RS306


async def library(ctx: Context, title: str) -> None:
    await ctx.run(begin, title)
    await ctx.run(promise)
