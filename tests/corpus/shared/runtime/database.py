from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class RuntimeTables(DeclarativeBase):
    pass


class Operation(RuntimeTables):
    __tablename__ = "operations"

    id: Mapped[str] = mapped_column(primary_key=True)
    result: Mapped[str]


class Database:
    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(url)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._engine) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._engine) as session, session.begin():
            yield session
