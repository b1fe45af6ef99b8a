# file: scans/wrapping.py
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from resonate.context import Context


def with_page_size[R](function: Callable[..., Awaitable[R]]) -> Callable[..., Awaitable[R]]:
    """Fills in the page size, so callers leave it out."""

    @functools.wraps(function)
    async def call(ctx: Context, *args: Any) -> R:
        return await function(ctx, *args, "A4")

    return call

# file: scans/worker.py
import asyncio
import os
from functools import partial

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

from scans.wrapping import with_page_size


@with_page_size
async def scan(ctx: Context, page: int, size: str) -> str:
    return f"{page}/{size}"


async def sharpen(ctx: Context, page: str, amount: float) -> str:
    return f"{page} * {amount}"


softly = partial(sharpen, amount=0.2)
strongly = with_page_size(sharpen)


async def book(ctx: Context, pages: int) -> list[str]:
    done = []
    for page in range(pages):
        raw = await ctx.run(scan, page)
        done.append(await ctx.run(softly, raw))
        done.append(await ctx.run(lambda c, text, times=2: text * times, raw))
        done.append(await ctx.run(strongly, raw))
    return done


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="scans", retry_policy=Never())
    client.register(book)
    await asyncio.Event().wait()
