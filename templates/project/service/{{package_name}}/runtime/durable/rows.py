"""Rows of entities: added, changed and deleted in a session of `once`.

What the database would refuse is a failure that says which field it is about: the same one on SQLite and on Postgres.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
from pydantic import BaseModel
from resonate.context import Context
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Table, UniqueConstraint, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from ..columns import Entity
from ..errors import Failure, NoSuchReference, NotUnique, StillReferenced, VersionMismatch
from .clock import new_uuid, now

_UNIQUE_ON_SQLITE = "UNIQUE constraint failed: "
_UNIQUE, _FOREIGN_KEY = "23505", "23503"


def new_id(ctx: Context) -> UUID:
    """An id for a new row: random, and greater than those of the milliseconds before (UUID version 7, RFC 9562)."""
    milliseconds = int(now(ctx).timestamp() * 1000)
    low = new_uuid(ctx).int & ((1 << 80) - 1)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (low & ~(0xF << 76)))


async def insert(session: AsyncSession, row: Entity) -> None:
    """Add a row.

    Raises:
        NoSuchReference: it refers to a row that is not there.
        NotUnique: a row has such a value already.
    """
    await _check_references(session, row)
    session.add(row)
    await _flush(session, row)


async def update[R: Entity](
    session: AsyncSession, kind: type[R], id: UUID, changes: BaseModel, version: int | None = None
) -> R:
    """Set the fields of a row that are set in ``changes``; ``version`` is the one that it must have.

    Raises:
        Failure: there is no such row (code ``not-found``).
        VersionMismatch: it has another version.
        NoSuchReference: it would refer to a row that is not there.
        NotUnique: a row has such a value already.
    """
    row = await _locked(session, kind, id, version)
    for name in changes.model_fields_set:
        setattr(row, name, getattr(changes, name))
    await _check_references(session, row)
    await _flush(session, row)
    return row


async def delete[R: Entity](session: AsyncSession, kind: type[R], id: UUID, version: int | None = None) -> R:
    """Delete a row, and return it as it was; ``version`` is the one that it must have.

    Raises:
        Failure: there is no such row (code ``not-found``).
        VersionMismatch: it has another version.
        StillReferenced: other rows refer to it.
    """
    row = await _locked(session, kind, id, version)
    for column, key in _references_to(_table(row)):
        value = getattr(row, _attribute(row, key.column))
        if await session.scalar(select(column).where(column == value).limit(1)) is not None:
            raise StillReferenced(column.table.name)
    await session.delete(row)
    await _flush(session, row)
    return row


async def _locked[R: Entity](session: AsyncSession, kind: type[R], id: UUID, version: int | None) -> R:
    row = await session.get(kind, id, with_for_update=True)
    if row is None:
        raise Failure("there is no such id", code="not-found", status=404)
    if version is not None and row.version != version:
        raise VersionMismatch(row.version)
    return row


async def _check_references(session: AsyncSession, row: Entity) -> None:
    """See that what a row refers to is there: SQLite would not say which of its keys is wrong."""
    with session.no_autoflush:
        for column in _table(row).columns:
            name = _attribute(row, column)
            for key in column.foreign_keys:
                value = getattr(row, name)
                wanted = select(key.column).where(key.column == value)
                if value is not None and await session.scalar(wanted) is None:
                    raise NoSuchReference(name)


async def _flush(session: AsyncSession, row: Entity) -> None:
    """Write a row, and read it as it is kept: `1.5` is `1.50` from now on."""
    try:
        await session.flush()
        if row in session:
            await session.refresh(row)
    except IntegrityError as error:
        if (failure := _failure_of(session, row, error)) is not None:
            raise failure from None
        raise


def _failure_of(session: AsyncSession, row: Entity, error: IntegrityError) -> Failure | None:
    """What a database's refusal means; None for what no request is to blame for."""
    table = _table(row)
    if str(error.orig).startswith(_UNIQUE_ON_SQLITE):
        columns = str(error.orig).removeprefix(_UNIQUE_ON_SQLITE).split(", ")
        return NotUnique([_attribute(row, table.columns[column.rpartition(".")[2]]) for column in columns])
    if not isinstance(error.orig, psycopg.Error):
        return None
    state, told = error.orig.sqlstate, error.orig.diag
    if state == _FOREIGN_KEY and told.table_name != table.name:  # It has one that the models do not know.
        return StillReferenced(str(told.table_name))
    preparer = session.get_bind().dialect.identifier_preparer
    for constraint in table.constraints:
        if not isinstance(constraint, UniqueConstraint | ForeignKeyConstraint):
            continue
        if str(preparer.format_constraint(constraint)).strip('"') == told.constraint_name:
            names = [_attribute(row, column) for column in constraint.columns]
            if state == _UNIQUE:
                return NotUnique(names)
            if state == _FOREIGN_KEY:  # Deleted by somebody else since it was looked for.
                return NoSuchReference(names[0])
    return None


def _table(row: Entity) -> Table:
    table = inspect(type(row)).local_table
    assert isinstance(table, Table)
    return table


def _attribute(row: Entity, column: Column[Any]) -> str:
    """What the row's class calls a column."""
    return str(inspect(type(row)).get_property_by_column(column).key)


def _references_to(table: Table) -> Iterator[tuple[Column[Any], ForeignKey]]:
    """The columns of all tables that refer to one."""
    for other in table.metadata.sorted_tables:
        for column in other.columns:
            yield from ((column, key) for key in column.foreign_keys if key.column.table is table)
