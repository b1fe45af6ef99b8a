"""A workflow that asks the operator at its terminal, and a step that downloads."""

import asyncio
from urllib import request

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


async def download(ctx: Context, url: str) -> int:
    with request.urlopen(url, timeout=30) as answer:  # want: RS304
        return len(answer.read())


async def ask(ctx: Context, question: str) -> bool:
    return input(f"{question} [y/N] ").strip().lower() == "y"  # want: RS304


async def mirror(ctx: Context, urls: list[str]) -> int:
    size = 0
    for url in urls:
        if await ctx.run(ask, f"fetch {url}?"):
            size += await ctx.run(download, url)
    return size


async def main() -> None:
    resonate = Resonate(group="mirror", retry_policy=Constant(delay=1, max_retries=3))
    resonate.register(mirror)
    print(await resonate.run("mirror/today", mirror, ["https://example.org/a"]).result())


asyncio.run(main())
