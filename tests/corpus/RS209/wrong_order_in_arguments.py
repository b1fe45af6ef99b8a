"""No call stands in a loop here, but the order of the set is what the calls are given."""

from resonate.context import Context
from resonate.resonate import Resonate


async def tags_of(ctx: Context, article: str) -> set[str]:
    return set(article.lower().split())


async def index(ctx: Context, article: str, tags: list[str]) -> None:
    print(article, tags)


async def headline(ctx: Context, text: str) -> str:
    return text.title()


async def archive(ctx: Context, *names: str) -> int:
    return len(names)


async def publish(ctx: Context, article: str, authors: list[str]) -> str:
    tags = await ctx.run(tags_of, article)
    await ctx.run(index, article, list(tags))
    byline = ", ".join({author.strip() for author in authors})  # want: RS209
    title = await ctx.run(headline, byline)
    await ctx.run(archive, *tags)  # want: RS209
    return title


def install(client: Resonate) -> None:
    client.register(publish)
