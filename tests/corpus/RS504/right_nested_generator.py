"""The workflow has a generator inside; the `yield` is not its own."""

from collections.abc import Iterator

from resonate.context import Context
from resonate.resonate import Resonate


async def visit(ctx: Context, page: str) -> list[str]:
    return [f"{page}/next"] if page.count("/") < 3 else []


async def walk(ctx: Context, root: str) -> int:
    pages = [root]

    def unseen(found: list[str]) -> Iterator[str]:
        for page in found:
            if page not in pages:
                yield page

    for page in pages:
        pages.extend(unseen(await ctx.run(visit, page)))
    lengths = (len(page) for page in pages)
    return sum(lengths)


def install(client: Resonate) -> None:
    client.register(walk, name="pages.walk")
