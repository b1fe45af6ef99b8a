"""Durable calls that stand in the arguments of ctx.run are made by the workflow, not by the step."""

from resonate.context import Context


async def download(ctx: Context, url: str) -> str:
    return url.upper()


async def index(ctx: Context, text: str, title: str) -> int:
    return len(text) + len(title)


async def archive(ctx: Context, urls: list[str]) -> int:
    total = 0
    for url in urls:
        total += await ctx.run(index, await ctx.run(download, url), title=await ctx.run(lambda _, url=url: url[:20]))
    texts = [ctx.run(download, url) for url in urls]
    return total + sum([len(await text) for text in texts])
