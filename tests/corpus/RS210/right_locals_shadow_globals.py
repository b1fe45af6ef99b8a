"""The workflow's own `cache` and `total` are local; that the module has names like them does not matter."""

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

cache: dict[str, int] = {}
total = 0


async def count_words(ctx: Context, chapter: str) -> int:
    """A step keeps a cache for itself: it changes how fast it is, not what the workflow does."""
    if chapter not in cache:
        cache[chapter] = len(chapter.split())
    return cache[chapter]


async def book_length(ctx: Context, chapters: list[str]) -> int:
    cache: dict[str, int] = {}
    total = 0
    for chapter in chapters:
        if chapter not in cache:
            cache[chapter] = await ctx.run(count_words, chapter)
        total += cache[chapter]
    return total


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="books", retry_policy=Never())
    client.register(book_length)
    return client
