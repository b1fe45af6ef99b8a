# file: crawl/visited.py
from collections import deque

visited: set[str] = set()
queue: deque[str] = deque()


def remember(url: str) -> None:
    visited.add(url)  # want: RS210


def enqueue(urls: list[str]) -> None:
    queue.extend(urls)  # want: RS210
# file: crawl/flow.py
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate

from crawl.visited import enqueue, remember


async def links_of(ctx: Context, url: str) -> list[str]:
    return [f"{url}/a", f"{url}/b"]


async def crawl(ctx: Context, start: str, depth: int) -> int:
    found = [start]
    for _ in range(depth):
        url = found[-1]
        remember(url)
        links = await ctx.run(links_of, url)
        enqueue(links)
        found += links
        await ctx.sleep(timedelta(seconds=1))
    return len(found)


def install(client: Resonate) -> None:
    client.register(crawl)
