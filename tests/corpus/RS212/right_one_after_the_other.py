import asyncio

from resonate.context import Context


async def fetch(ctx: Context, page: int) -> str:
    return f"page {page}"


async def index(ctx: Context, text: str) -> None: ...


async def crawl(ctx: Context, page: int) -> None:
    text = await ctx.run(fetch, page)
    await ctx.run(index, text)


async def in_a_loop(ctx: Context, pages: list[int]) -> None:
    for page in pages:
        await crawl(ctx, page)


async def tasks_in_turn(ctx: Context, pages: list[int]) -> None:
    for page in pages:
        task = asyncio.create_task(crawl(ctx, page))
        await task
    first = asyncio.create_task(crawl(ctx, 1))
    await first
    second = asyncio.create_task(crawl(ctx, 2))
    await second


async def one_of_its_kind(ctx: Context, page: int) -> None:
    """The other one makes its only call before anything is awaited."""
    await asyncio.gather(crawl(ctx, page), ctx.run(fetch, page + 1))


async def in_batches(ctx: Context, pages: list[int]) -> None:
    for page in pages:
        await asyncio.gather(crawl(ctx, page))


async def group_after_group(ctx: Context, page: int) -> None:
    group = asyncio.TaskGroup()  # noqa: RS208
    async with group:
        only = group.create_task(crawl(ctx, page))
    await only
    async with asyncio.TaskGroup() as again:  # noqa: RS208
        again.create_task(crawl(ctx, page + 1))
