"""Only equality within one run counts: keys of a dictionary, a set of what was seen, a class that can be a key."""

import logging

from resonate.context import Context
from resonate.resonate import Resonate

logger = logging.getLogger(__name__)


class Stop:
    def __init__(self, name: str) -> None:
        self.name = name

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stop) and hash(other.name) == hash(self.name)


async def visit(ctx: Context, name: str) -> str:
    return name


async def tour(ctx: Context, names: list[str]) -> list[str]:
    seen: set[int] = set()
    visited = []
    for name in names:
        logger.info("stop %s", hash(name))
        if id(name) in seen or Stop(name) == Stop("home"):
            continue
        seen.add(id(name))
        visited.append(await ctx.run(visit, name))
    return visited


def register(resonate: Resonate) -> None:
    resonate.register(tour)
