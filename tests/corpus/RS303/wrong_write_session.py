# file: clinic/rpc.py (shared)
# file: clinic/contracts/db.py
from pydantic import BaseModel

from clinic.rpc import Rpc


class BookSlot(BaseModel):
    doctor: str
    patient: str
    slot: str


class Booked(BaseModel):
    number: int


book_slot = Rpc(name="db.book_slot", group="db", request=BookSlot, result=Booked)

# file: clinic/db/operations.py
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from clinic.db.models import Operation


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


async def once[R: BaseModel](
    database: Database,
    operation_id: str,
    request: BaseModel,
    result: type[R],
    effect: Callable[[AsyncSession], Awaitable[R]],
) -> R:
    """Do ``effect`` once for ``operation_id``: its claim and its rows are one transaction."""
    async with database.write() as session:
        done = await session.get(Operation, operation_id)
        if done is None:
            answer = await effect(session)
            session.add(Operation(id=operation_id, result=answer.model_dump(mode="json")))
            return answer
        return result.model_validate(done.result)

# file: clinic/db/models.py
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Operation(Base):
    __tablename__ = "operations"

    id: Mapped[str] = mapped_column(primary_key=True)
    result: Mapped[Any] = mapped_column(JSON)


class Booking(Base):
    __tablename__ = "bookings"

    id: Mapped[int] = mapped_column(primary_key=True)
    doctor: Mapped[str]
    patient: Mapped[str]
    slot: Mapped[str]

# file: clinic/db/book_slot.py
from resonate.context import Context

from clinic.contracts.db import Booked, BookSlot
from clinic.db.models import Booking
from clinic.db.operations import Database


async def insert_booking(ctx: Context, request: BookSlot) -> Booked:
    async with ctx.get_dependency(Database).write() as session:  # want: RS303
        row = Booking(**request.model_dump())
        session.add(row)
        await session.flush()
        return Booked(number=row.id)

# file: clinic/db/worker.py
from clinic.contracts import db as contracts
from clinic.db.book_slot import insert_booking
from clinic.rpc import Served, serve

GROUP = "db"

SERVED: list[Served] = [serve(contracts.book_slot, insert_booking, retries=6)]
