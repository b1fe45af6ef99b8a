"""A coroutine of a helper that knows no Context."""

import asyncio

import httpx
from resonate.context import Context
from resonate.resonate import Resonate


async def fetch(url: str) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).text  # want: RS206


async def crawl(ctx: Context, urls: list[str]) -> int:
    size = 0
    for url in urls:
        size += len(await ctx.run(fetch(url)))  # want: RS314
    await ctx.run(asyncio.to_thread(print, size))  # want: RS207, RS314
    return size


def register(resonate: Resonate) -> None:
    resonate.register(crawl)
