"""Generators that make no durable function: a plain one, a fixture of contexts, an async one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def chunks(rows: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


@contextmanager
def labelled(ctx: Context, label: str) -> Iterator[str]:
    """Takes the workflow's context, but is none: `with` drives it."""
    print("begin", label, ctx.info.id)
    yield f"{label} of {ctx.info.id}"
    print("end", label)


async def load(ctx: Context, label: str, rows: list[str]) -> int:
    return len(rows)


async def load_all(ctx: Context, rows: list[str]) -> int:
    total = 0
    with labelled(ctx, "load") as label:
        for chunk in chunks(rows, 100):
            total += await ctx.run(load, label, chunk)
    return total


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Resonate]:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=url, group="loads", retry_policy=policy)
    yield client
    await client.stop()


async def main() -> None:
    async with connected("http://localhost:8001") as client:
        client.register(load_all)
        await asyncio.Event().wait()


asyncio.run(main())
