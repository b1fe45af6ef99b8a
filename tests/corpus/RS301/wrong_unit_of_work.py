# file: shop/db.py
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+psycopg://shop")
SessionLocal = async_sessionmaker(bind=engine, expire_on_commit=False)


@asynccontextmanager
async def get_session() -> AsyncIterator[AsyncSession]:
    async with SessionLocal() as session:
        yield session

# file: shop/uow.py
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker


class UnitOfWork:
    """One session, in a style that hides where it commits."""

    def __init__(self, factory: async_sessionmaker[AsyncSession]) -> None:
        self._factory = factory

    async def __aenter__(self) -> "UnitOfWork":
        self.session = self._factory()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.session.close()

    async def commit(self) -> None:
        await self.session.commit()  # want: RS301

# file: shop/flow.py
from resonate.context import Context
from sqlalchemy import text

from shop.db import *
from shop.uow import UnitOfWork


async def pay(ctx: Context, order: str) -> str:
    return f"receipt for {order}"


async def place(ctx: Context, order: str) -> str:
    async with get_session() as session:
        await session.execute(text("UPDATE baskets SET open = FALSE WHERE id = :id"), {"id": order})  # want: RS301
    async with UnitOfWork(SessionLocal) as work:
        await work.commit()
    return await ctx.run(pay, order)
