# file: tests/fixtures.py
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest


@dataclass
class Context:
    """A rendering context; it has nothing to do with Resonate's."""

    depth: int

    def run(self, name: str) -> str:
        return name * self.depth


@pytest.fixture
def ctx() -> Iterator[Context]:
    yield Context(depth=2)


def lines(ctx: Context, names: list[str]) -> Iterator[str]:
    for name in names:
        yield ctx.run(name)


async def pages(ctx: Context, count: int) -> AsyncIterator[str]:
    for number in range(count):
        yield ctx.run(f"page {number}")
# file: printing/flow.py
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def print_page(ctx: Context, number: int) -> str:
    return f"page {number}"


async def print_book(ctx: Context, pages: int) -> list[str]:
    calls = [ctx.run(print_page, number) for number in range(pages)]
    return [await call for call in calls]


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="printing", retry_policy=Never())
    client.register(print_book)
    return client
