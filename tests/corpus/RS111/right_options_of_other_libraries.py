import asyncio
import os
from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, selectinload, undefer


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    biography: Mapped[str]


@dataclass(frozen=True)
class Render:
    width: int = 80
    timeout: timedelta = timedelta(seconds=1)

    def options(self, **changes: object) -> "Render":
        """These merge."""
        return replace(self, **changes)


async def biography(ctx: Context, number: int) -> str:
    make: async_sessionmaker[AsyncSession] = ctx.get_dependency(async_sessionmaker)
    async with make() as session:
        query = select(Author).options(undefer(Author.biography)).options(selectinload("*"))
        author = (await session.scalars(query.where(Author.id == number))).one()
    render = Render().options(width=60).options(timeout=timedelta(seconds=5))
    with pl.Config(tbl_rows=render.width):
        return author.biography[: render.width]


async def page(ctx: Context, number: int) -> str:
    return await ctx.options(timeout=timedelta(minutes=1)).run(biography, number)


async def main(sessions: async_sessionmaker[AsyncSession]) -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="pages", retry_policy=Never())
    client.with_dependency(sessions)
    client.register(page)
    await asyncio.Event().wait()
