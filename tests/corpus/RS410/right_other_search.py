import re

from elasticsearch import AsyncElasticsearch
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

NUMBER = re.compile(r"\d+")


async def hits(ctx: Context, words: str) -> int:
    answer = await ctx.get_dependency(AsyncElasticsearch).search(index="promises", q=words, size=1)
    return int(answer["hits"]["total"]["value"])


async def weigh(ctx: Context, words: str) -> int:
    found = NUMBER.search(words)
    base = int(found[0]) if found else 1
    return base * await ctx.run(hits, words)


def connect(url: str, index: AsyncElasticsearch) -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url=url, group="weights", retry_policy=policy)
    resonate.with_dependency(index).register(weigh)
    return resonate
