# file: crawler/pauses.py
"""Pauses between attempts."""

import random
from datetime import timedelta


class Pauses:
    def __init__(self, base: float) -> None:
        self.base = base

    def after(self, attempt: int) -> timedelta:
        jitter = random.uniform(0, self.base)  # want: RS202
        return timedelta(seconds=self.base * 2**attempt + jitter)
# file: crawler/crawl.py
from resonate.context import Context
from resonate.resonate import Resonate

from crawler.pauses import Pauses


async def fetch(ctx: Context, url: str) -> str | None:
    return None if "down" in url else f"<html>{url}</html>"


async def crawl(ctx: Context, url: str) -> str | None:
    pauses = Pauses(base=1.5)
    for attempt in range(6):
        page = await ctx.run(fetch, url)
        if page is not None:
            return page
        await ctx.sleep(pauses.after(attempt))
    return None


def install(client: Resonate) -> None:
    client.register(crawl)
