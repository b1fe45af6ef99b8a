"""Generators, lambdas and errors that stay inside; only durable functions answer in JSON."""

from collections.abc import AsyncIterator, Callable, Iterator

import asyncpg
from resonate.context import Context
from resonate.resonate import Resonate


def at_least(limit: int) -> Callable[[int], bool]:
    return lambda value: value >= limit


def chunks(values: list[int], size: int) -> Iterator[list[int]]:
    return (values[at : at + size] for at in range(0, len(values), size))


async def rows(connection: asyncpg.Connection) -> AsyncIterator[int]:
    for record in await connection.fetch("SELECT n FROM numbers ORDER BY n"):
        yield record["n"]


async def connect(dsn: str) -> asyncpg.Connection:
    return await asyncpg.connect(dsn)


def failure(value: int) -> Exception:
    return ValueError(f"{value} is negative")


async def big_numbers(ctx: Context, dsn: str, limit: int) -> list[list[int]]:
    def check(value: int) -> bool:
        if value < 0:
            raise failure(value)
        return at_least(limit)(value)

    connection = await connect(dsn)
    try:
        kept = [value async for value in rows(connection) if check(value)]
    finally:
        await connection.close()
    return list(chunks(kept, 10))


def register(resonate: Resonate) -> None:
    resonate.register(big_numbers)
