# file: library/db/operations.py
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


async def once(engine: AsyncEngine, key: str, effect: Callable[[AsyncSession], Awaitable[None]]) -> None:
    async with AsyncSession(engine) as session, session.begin():
        claim = text("INSERT INTO operations VALUES (:id) ON CONFLICT DO NOTHING RETURNING id")
        if await session.scalar(claim, {"id": key}):
            await effect(session)

# file: library/db/repository.py
from sqlalchemy import Column, MetaData, String, Table, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

books = Table("books", MetaData(), Column("title", String))


class Books:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def save(self, title: str) -> None:
        await self.session.execute(insert(books).values(title=title))

    async def lend(self, title: str) -> None:
        statement = "UPDATE books SET lent = lent + 1 WHERE title = :title"
        await self.session.execute(text(statement), {"title": title})  # want: RS303

    async def titles(self) -> list[str]:
        return list(await self.session.scalars(select(books.c.title)))

# file: library/db/functions.py
"""`once` is reached through a helper of its own. One function uses the repository without it."""

from collections.abc import Awaitable, Callable

from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from library.db.operations import once
from library.db.repository import Books


async def claimed(ctx: Context, key: str, effect: Callable[[AsyncSession], Awaitable[None]]) -> None:
    await once(ctx.get_dependency(AsyncEngine), f"db/op/{key}", effect)


async def add_book(ctx: Context, title: str) -> None:
    async def effect(session: AsyncSession) -> None:
        await Books(session).save(title)

    await claimed(ctx, f"add/{title}", effect)


async def lend_book(ctx: Context, title: str) -> None:
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session, session.begin():
        await Books(session).lend(title)


async def list_books(ctx: Context) -> list[str]:
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        return await Books(session).titles()

# file: library/db/worker.py
from resonate.resonate import Resonate
from resonate.retry import Exponential

from library.db import functions


def make(url: str) -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)
    resonate = Resonate(url=url, group="db", retry_policy=policy, autostart=False)
    for function in (functions.add_book, functions.lend_book, functions.list_books):
        resonate.register(function, name=f"db.{function.__name__}")
    return resonate
