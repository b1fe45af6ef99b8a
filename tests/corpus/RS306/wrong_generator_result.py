"""A step that answers with a generator: nothing of it can be recorded."""

from collections.abc import Iterator

from resonate.context import Context
from resonate.resonate import Resonate


async def words(ctx: Context, text: str) -> Iterator[str]:
    return (word.lower() for word in text.split())  # want: RS306


async def count_words(ctx: Context, text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in await ctx.run(words, text):
        counts[word] = counts.get(word, 0) + 1
    return counts


def register(resonate: Resonate) -> None:
    resonate.register(count_words)
