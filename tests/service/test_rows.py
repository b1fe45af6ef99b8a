"""`durable.rows`: what the database would refuse is a failure that says which field it is about, on both databases."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from pydantic import MISSING, BaseModel
from shop.runtime.columns import CONSTRAINT_NAMES, EXACT_TYPES, Entity
from shop.runtime.database import Database
from shop.runtime.durable import rows
from shop.runtime.durable.clock import Clock
from shop.runtime.errors import Failure, NoSuchReference, NotUnique, StillReferenced, VersionMismatch
from sqlalchemy import ForeignKey, MetaData, String, UniqueConstraint
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map = EXACT_TYPES


class Kind(StrEnum):
    public = "public"
    private = "private, of one doctor"


class ClinicRow(Entity, Base):
    __tablename__ = "clinics"

    name: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[Kind | None]
    budget: Mapped[Decimal | None]


class VisitRow(Entity, Base):
    __tablename__ = "visits"
    __table_args__ = (UniqueConstraint("clinic_id", "number"),)

    number: Mapped[int]
    clinic_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("clinics.id"), index=True)


class ClinicChanges(BaseModel):
    name: str | MISSING = MISSING
    kind: Kind | MISSING | None = MISSING
    budget: Decimal | MISSING | None = MISSING


class VisitChanges(BaseModel):
    clinic_id: uuid.UUID | MISSING = MISSING


@pytest.fixture
async def clinics(database: Database) -> Database:
    async with database.write() as session:
        await session.run_sync(lambda inner: Base.metadata.create_all(inner.connection()))
    return database


def clinic(name: str = "North", **values: Any) -> ClinicRow:
    return ClinicRow(id=uuid.uuid4(), name=name, **values)


async def added(database: Database, *them: Entity) -> None:
    async with database.write() as session:
        for row in them:
            await rows.insert(session, row)
        session.expunge_all()  # They are read when the session is closed.


async def refused(database: Database, change: Callable[[AsyncSession], Awaitable[Any]]) -> Failure:
    with pytest.raises(Failure) as failure:
        async with database.write() as session:
            await change(session)
    return failure.value


async def test_a_row_is_kept(clinics: Database) -> None:
    north = clinic(kind=Kind.private)
    await added(clinics, north)
    async with clinics.read() as session:
        found = await session.get_one(ClinicRow, north.id)
    assert (found.version, found.name, found.kind) == (1, "North", Kind.private)


async def test_a_row_is_known_as_it_is_kept(clinics: Database) -> None:
    """What is answered at once is what is answered later."""
    north = clinic(budget=Decimal("1.5"))
    await added(clinics, north)
    assert str(north.budget) == "1.50"
    async with clinics.write() as session:
        changed = await rows.update(session, ClinicRow, north.id, ClinicChanges(budget=Decimal("2")))
        assert str(changed.budget) == "2.00"


async def test_only_what_is_set_changes(clinics: Database) -> None:
    north = clinic(kind=Kind.public)
    await added(clinics, north)
    async with clinics.write() as session:
        changes = ClinicChanges.model_validate({"kind": None})
        changed = await rows.update(session, ClinicRow, north.id, changes, version=1)
        assert (changed.name, changed.kind, changed.version) == ("North", None, 2)
    async with clinics.write() as session:  # What changes nothing makes no version.
        assert (await rows.update(session, ClinicRow, north.id, ClinicChanges())).version == 2


async def test_another_version_is_refused(clinics: Database) -> None:
    north = clinic()
    await added(clinics, north)
    found = await refused(clinics, lambda it: rows.update(it, ClinicRow, north.id, ClinicChanges(name="South"), 2))
    assert isinstance(found, VersionMismatch) and (found.version, found.code, found.status) == (
        1,
        "precondition-failed",
        412,
    )
    assert isinstance(await refused(clinics, lambda it: rows.delete(it, ClinicRow, north.id, 2)), VersionMismatch)


async def test_what_is_not_there(clinics: Database) -> None:
    for change in (
        lambda it: rows.update(it, ClinicRow, uuid.uuid4(), ClinicChanges()),
        lambda it: rows.delete(it, ClinicRow, uuid.uuid4()),
    ):
        found = await refused(clinics, change)
        assert (type(found), found.code, found.status) == (Failure, "not-found", 404)


async def test_a_clash_names_its_fields(clinics: Database) -> None:
    north = clinic()
    await added(clinics, north, VisitRow(id=uuid.uuid4(), number=1, clinic_id=north.id))
    found = await refused(clinics, lambda it: rows.insert(it, clinic()))
    assert isinstance(found, NotUnique) and (found.fields, found.status) == (["name"], 409)
    assert str(found) == "name: taken already"
    again = VisitRow(id=uuid.uuid4(), number=1, clinic_id=north.id)
    found = await refused(clinics, lambda it: rows.insert(it, again))
    assert isinstance(found, NotUnique) and found.fields == ["clinic_id", "number"]
    assert str(found) == "clinic_id and number: taken already, together"

    south = clinic("South")
    await added(clinics, south)
    found = await refused(clinics, lambda it: rows.update(it, ClinicRow, south.id, ClinicChanges(name="North")))
    assert isinstance(found, NotUnique) and found.fields == ["name"]


async def test_a_reference_leads_somewhere(clinics: Database) -> None:
    north = clinic()
    visit = VisitRow(id=uuid.uuid4(), number=1, clinic_id=north.id)
    await added(clinics, north, visit)
    lost = VisitRow(id=uuid.uuid4(), number=2, clinic_id=uuid.uuid4())
    found = await refused(clinics, lambda it: rows.insert(it, lost))
    assert isinstance(found, NoSuchReference) and (found.fields, found.status) == (["clinic_id"], 409)
    elsewhere = VisitChanges(clinic_id=uuid.uuid4())
    found = await refused(clinics, lambda it: rows.update(it, VisitRow, visit.id, elsewhere))
    assert isinstance(found, NoSuchReference)
    found = await refused(clinics, lambda it: rows.delete(it, ClinicRow, north.id))
    assert isinstance(found, StillReferenced) and (found.by, found.status) == ("visits", 409)
    async with clinics.write() as session:
        await rows.delete(session, VisitRow, visit.id)
        assert (await rows.delete(session, ClinicRow, north.id)).name == "North"


@pytest.mark.postgres
async def test_two_at_a_time_find_the_same(clinics: Database) -> None:
    """What another transaction has done since it was looked for, only the database itself can refuse."""
    north, looked, done = clinic(), asyncio.Event(), asyncio.Event()
    await added(clinics, north)

    async def late(change: Callable[[AsyncSession], Awaitable[Any]]) -> Failure:
        async def after(session: AsyncSession) -> None:
            flush = session.flush

            async def wait_and_flush(*_: Any) -> None:
                looked.set()
                await done.wait()
                await flush()

            session.flush = wait_and_flush  # type: ignore[method-assign, assignment]
            await change(session)

        return await refused(clinics, after)

    async def meanwhile(statement: Callable[[AsyncSession], Awaitable[Any]]) -> None:
        await looked.wait()
        async with clinics.write() as session:
            await statement(session)
        done.set()

    visit = VisitRow(id=uuid.uuid4(), number=1, clinic_id=north.id)
    found, _ = await asyncio.gather(
        late(lambda it: rows.insert(it, visit)), meanwhile(lambda it: rows.delete(it, ClinicRow, north.id))
    )
    assert isinstance(found, NoSuchReference) and found.fields == ["clinic_id"]


def test_ids_are_in_the_order_of_their_time() -> None:
    """Version 7 of RFC 9562, from the clock that tests replace."""
    moments = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)]
    random = uuid.UUID("ffffffff-ffff-4fff-bfff-ffffffffffff")

    class Fixed:
        def __init__(self, at: datetime, drawn: uuid.UUID) -> None:
            self.clock = Clock(lambda _: at, lambda _: drawn)

        def get_dependency(self, _: object) -> Clock:
            return self.clock

    first = rows.new_id(Fixed(moments[0], random))  # type: ignore[arg-type]
    second = rows.new_id(Fixed(moments[1], uuid.UUID(int=0x4 << 76 | 0x2 << 62)))  # type: ignore[arg-type]
    assert (first.version, first.variant, second.version) == (7, uuid.RFC_4122, 7)
    assert first < second
    assert str(first) == "019b76da-a800-7fff-bfff-ffffffffffff"
