# file: school/runtime/durable/rpc.py (shared)
# file: school/runtime/durable/once.py (shared)
# file: school/runtime/engine/client.py (shared)
# file: school/runtime/database.py (shared)
# file: school/contracts/db/enrol.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Enrol(BaseModel):
    pupil: str
    course: str


class Enrolled(BaseModel):
    seat: int


enrol = Rpc(name="db.enrol", group="db", request=Enrol, result=Enrolled)
find = Rpc(name="db.find", group="db", request=Enrol, result=Enrolled)
# file: school/db/models.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Seat(Base):
    __tablename__ = "seats"

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil: Mapped[str]
# file: school/db/enrol.py
from resonate.context import Context
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from ..contracts.db import enrol as contract
from ..contracts.db.enrol import Enrol, Enrolled
from ..runtime.database import Database
from ..runtime.durable.once import once
from ..runtime.durable.rpc import serve
from .models import Seat


@serve(contract.enrol, retries=6)
async def enrol(ctx: Context, request: Enrol) -> Enrolled:
    async def effect(session: AsyncSession) -> Enrolled:
        await session.execute(delete(Seat).where(Seat.pupil == request.pupil))
        seat = Seat(pupil=request.pupil)
        session.add(seat)
        await session.flush()
        return Enrolled(seat=seat.id)

    return await once(ctx.get_dependency(Database), f"db/op/enrol/{request.pupil}", request, Enrolled, effect)


@serve(contract.find)
async def find(ctx: Context, request: Enrol) -> Enrolled:
    async with ctx.get_dependency(Database).read() as session:
        seat = await session.scalar(select(Seat.id).where(Seat.pupil == request.pupil))
        return Enrolled(seat=seat or 0)
# file: school/db/seed.py
from sqlalchemy.orm import Session

from .models import Seat


def seed(session: Session) -> None:
    session.merge(Seat(id=1, pupil="Ada"))
# file: school/db/worker.py
from ..runtime.durable.rpc import Registration
from .enrol import enrol, find

GROUP = "db"

SERVED: list[Registration] = [enrol, find]
