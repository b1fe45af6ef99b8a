# file: school/rpc.py (shared)
# file: school/contracts.py
from pydantic import BaseModel

from school.rpc import Rpc


class Enrol(BaseModel):
    pupil: str
    course: str


class Enrolled(BaseModel):
    seat: int


enrol = Rpc(name="db.enrol", group="db", request=Enrol, result=Enrolled)

# file: school/db/operations.py
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from school.db.models import Operation


class Database:
    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(url)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._engine) as session, session.begin():
            yield session


async def once[R: BaseModel](
    database: Database, operation_id: str, result: type[R], effect: Callable[[AsyncSession], Awaitable[R]]
) -> R:
    async with database.write() as session:
        done = await session.get(Operation, operation_id)
        if done is not None:
            return result.model_validate_json(done.result)
        answer = await effect(session)
        session.add(Operation(id=operation_id, result=answer.model_dump_json()))
        return answer

# file: school/db/models.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Operation(Base):
    __tablename__ = "operations"

    id: Mapped[str] = mapped_column(primary_key=True)
    result: Mapped[str]


class Seat(Base):
    __tablename__ = "seats"

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil: Mapped[str]
    course: Mapped[str]

# file: school/db/enrol.py
from resonate.context import Context
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from school.contracts import Enrol, Enrolled
from school.db.models import Seat
from school.db.operations import Database, once


async def take_seat(ctx: Context, request: Enrol) -> Enrolled:
    async def effect(session: AsyncSession) -> Enrolled:
        await session.execute(delete(Seat).where(Seat.pupil == request.pupil))
        seat = Seat(pupil=request.pupil, course=request.course)
        session.add(seat)
        await session.flush()
        return Enrolled(seat=seat.id)

    operation = f"db/op/enrol/{request.course}/{request.pupil}"
    return await once(ctx.get_dependency(Database), operation, Enrolled, effect)

# file: school/db/worker.py
from school import contracts
from school.db.enrol import take_seat
from school.rpc import serve

GROUP = "db"
SERVED = [serve(contracts.enrol, take_seat)]
