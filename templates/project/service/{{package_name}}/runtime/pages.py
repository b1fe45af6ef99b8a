"""Lists in pages, by keyset: a page begins behind the last row of the one before, however many rows there are.

Rows that come or go meanwhile shift no page, and the last page costs what the first one does, where an index has the
columns of the order.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_jsonable_python
from sqlalchemy import Select, literal, tuple_
from sqlalchemy.exc import DataError, DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeDecorator

from .errors import InvalidCursor

type Orders = Mapping[str, Sequence[InstrumentedAttribute[Any]]]
"""The orders of a list by name: columns that are never NULL, and together tell every row from the others."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list: at most ``limit`` rows behind ``cursor``, the first ones without it.

    ``order`` is the name of an order, with a ``-`` before it from the last row to the first.
    """

    limit: int
    cursor: str | None
    order: str


class Page[R: BaseModel](BaseModel):
    """Some rows of a list. `next_cursor` asks for those behind them; null: these are the last."""

    items: list[R]
    next_cursor: str | None


async def read_page[T, R: BaseModel](
    session: AsyncSession, rows: Select[T], page: PageRequest, orders: Orders, show: Callable[[T], R]
) -> Page[R]:
    """A page of ``rows``, which has no order of its own; ``show`` makes what is answered of a row.

    Raises:
        InvalidCursor: the page's cursor is of another list or order.
        TypeError: a column of the order may be NULL, which stands behind all on one database and before all on another.
    """
    columns = orders[page.order.removeprefix("-")]
    if nullable := [column.key for column in columns if column.expression.nullable]:
        raise TypeError(f"{nullable[0]} may be NULL: a list is in no order by it")
    backwards = page.order.startswith("-")
    if page.cursor is not None:
        last = tuple_(
            *(literal(value, column.type) for value, column in zip(_read(page, columns), columns, strict=True))
        )
        rows = rows.where(tuple_(*columns) < last if backwards else tuple_(*columns) > last)
    rows = rows.order_by(*(column.desc() if backwards else column.asc() for column in columns))
    try:
        found = (await session.scalars(rows.limit(page.limit + 1))).all()
    except (StatementError, OverflowError, UnicodeError) as error:
        # Of a cursor that somebody made up: a number, a text or a moment that the column cannot hold.
        if page.cursor is None or (isinstance(error, DBAPIError) and not isinstance(error, DataError)):
            raise
        raise InvalidCursor from error
    shown = found[: page.limit]
    more = len(found) > page.limit
    return Page(items=[show(row) for row in shown], next_cursor=_cursor(page, columns, shown[-1]) if more else None)


def _cursor(page: PageRequest, columns: Sequence[InstrumentedAttribute[Any]], row: object) -> str:
    values = [to_jsonable_python(getattr(row, column.key)) for column in columns]
    return base64.urlsafe_b64encode(json.dumps([page.order, *values]).encode()).rstrip(b"=").decode()


def _read(page: PageRequest, columns: Sequence[InstrumentedAttribute[Any]]) -> list[Any]:
    """The values of the last row before the page."""
    try:
        text = str(page.cursor)
        order, *values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if order != page.order:
            raise ValueError("it is of another order")
        if any(isinstance(value, str) and "\0" in value for value in values):
            raise ValueError("no text in a database has NUL")
        return [TypeAdapter(_type(column)).validate_python(it) for it, column in zip(values, columns, strict=True)]
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidCursor from error


def _type(column: InstrumentedAttribute[Any]) -> Any:
    kind = column.type
    return (kind.impl_instance if isinstance(kind, TypeDecorator) else kind).python_type
