"""In a step, around what is no durable call; and in a workflow, around a function that parses."""

import asyncio

import aiohttp
from resonate.context import Context


def remaining(budget: str) -> int:
    seconds = int(budget.removesuffix("s"))
    if seconds < 0:
        raise TimeoutError(f"{budget} is over")
    return seconds


async def fetch(ctx: Context, url: str, seconds: int) -> str | None:
    try:
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.text()
    except TimeoutError:
        return None


async def read(ctx: Context, url: str, budget: str) -> str:
    try:
        seconds = remaining(budget)
    except TimeoutError:
        return "no time left"
    return await ctx.run(fetch, url, seconds) or "nothing"
