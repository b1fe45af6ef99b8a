from resonate.context import Context
from resonate.resonate import Resonate


async def load(ctx: Context, page: str) -> str:
    return page


async def crawl(ctx: Context, links: list[str], seen: list[str]) -> int:
    left = set(links) - set(seen)
    depth: dict[str, int] = {link: link.count("/") for link in left}  # want: RS209
    calls = [ctx.run(load, link) for link in depth]
    return sum([len(await it) for it in calls])


def register(resonate: Resonate) -> None:
    resonate.register(crawl)
