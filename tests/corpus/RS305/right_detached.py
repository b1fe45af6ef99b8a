"""Fire and forget, said so: detached is made for it."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def count_visit(ctx: Context, page: str) -> None:
    print("visit", page)


async def render(ctx: Context, page: str) -> str:
    return f"<h1>{page}</h1>"


async def serve_page(ctx: Context, page: str) -> str:
    ctx.detached("count_visit", page)
    ctx.options(version=1).detached("count_visit", "total")
    return await ctx.run(render, page)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="pages", retry_policy=policy)
    resonate.register(count_visit)
    resonate.register(serve_page)
    await asyncio.Event().wait()


asyncio.run(main())
