# file: museum/db/operations.py
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


class Database:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._engine) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._engine) as session, session.begin():
            yield session


async def once(database: Database, operation_id: str, effect: Callable[[AsyncSession], Awaitable[None]]) -> None:
    async with database.write() as session:
        await effect(session)

# file: museum/db/find.py
"""Reads need no operation. A set has add() too, a dict pop(), a list of rows is updated in memory."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import create_async_engine

from museum.db.operations import Database


async def find_missing(ctx: Context, wanted: list[str]) -> list[str]:
    seen: set[str] = set()
    facts: dict[str, int] = {}
    async with ctx.get_dependency(Database).read() as session:
        for name in wanted:
            if await session.scalar(text("SELECT 1 FROM exhibits WHERE name = :name"), {"name": name}):
                seen.add(name)
            facts.update({name: len(name)})
        await session.execute(select(text("1")))
        await session.rollback()
    return [name for name in wanted if name not in seen and facts[name] > 0]


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)
    resonate = Resonate(url="http://localhost:8001", group="db", retry_policy=policy)
    resonate.with_dependency(Database(create_async_engine("sqlite+aiosqlite:///museum.db")))
    resonate.register(find_missing, name="db.find_missing")
    await asyncio.Event().wait()


asyncio.run(main())
