"""Column types that hold exactly what was put into them, on SQLite and on Postgres.

SQLite knows neither zones nor decimals: a `DateTime(timezone=True)` is read back without its zone there, a `Numeric` as
a float that has lost digits. `Mapped[datetime]` and `Mapped[Decimal]` get the types below from the `Base` of
`db/models.py`; the guarantee `columns_are_exact` names columns that have others.
"""

import enum
import json
import operator
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import JSON, BigInteger, ColumnElement, DateTime, Dialect, Enum, Integer, Numeric
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names for constraints that have none: a migration takes away only what has one. A check needs a name of its own."""

_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])
_MULTIPLIES = {operator.mul, operator.truediv, operator.floordiv, operator.mod}


class Instant(TypeDecorator[datetime]):
    """A moment: takes datetimes with a zone, gives them back in UTC, to the microsecond.

    Raises ValueError for a datetime without a zone, which would be another moment on every machine.
    """

    impl = DateTime(timezone=True)
    cache_ok = True
    in_migrations = "sa.DateTime(timezone=True)"

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"{value!r} has no zone, so it names no moment: write datetime(…, tzinfo=UTC)")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """A decimal number of ``precision`` digits, ``scale`` of them behind the point; 18 at most.

    Takes Decimals and whole numbers. Raises ValueError for one that does not fit (it is never rounded), TypeError for a
    float. On SQLite the column holds a whole number of the smallest unit (cents), which it sorts, compares and sums as
    Postgres does. Multiply and divide in Python: in SQL that would count hundredths of cents there, and is refused, but
    for a multiplication by a whole number. `func.avg` knows nothing of this: sum, then divide.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int = 18, scale: int = 2) -> None:
        if not 0 <= scale <= precision <= 18:
            raise ValueError(f"Money({precision}, {scale}): at most 18 digits, `scale` of them behind the point")
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale

    @property
    def in_migrations(self) -> str:
        return f"sa.Numeric({self.precision}, {self.scale}).with_variant(sa.BigInteger(), 'sqlite')"

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(
            BigInteger() if dialect.name == "sqlite" else Numeric(self.precision, self.scale)
        )

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | int | None:
        if value is None:
            return None
        exact = self._exact(value)
        return int(exact.scaleb(self.scale, _EXACT)) if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None or dialect.name != "sqlite":
            return value  # type: ignore[no-any-return]
        if not isinstance(value, int):
            raise ValueError(f"the database holds {value!r} where {self!r} keeps a whole number of its smallest unit")
        return Decimal(value).scaleb(-self.scale, _EXACT)

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> TypeEngine[Any]:
        """The type of a value beside this column: its own, but a factor is a plain number."""
        return Integer() if op is operator.mul else self

    def _exact(self, value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, Decimal | int):
            raise TypeError(f"{value!r} is no Decimal: a float has lost digits before it comes here")
        decimal = Decimal(value)
        try:
            exact = decimal.quantize(Decimal(1).scaleb(-self.scale), context=_EXACT)
        except (Inexact, InvalidOperation):
            exact = Decimal("NaN")
        if not exact.is_finite() or abs(exact) >= 10 ** (self.precision - self.scale):
            raise ValueError(f"{value} does not fit into {self.precision} digits, {self.scale} behind the point")
        return exact

    class Comparator(TypeDecorator.Comparator[Decimal]):
        """Refuses what would not be the same on both databases."""

        def operate(self, op: OperatorType, *other: Any, **kwargs: Any) -> ColumnElement[Any]:
            _check_operands(op, *other)
            return super().operate(op, *other, **kwargs)

        def reverse_operate(self, op: OperatorType, other: Any, **kwargs: Any) -> ColumnElement[Any]:
            _check_operands(op, other)
            return super().reverse_operate(op, other, **kwargs)

    comparator_factory = Comparator


class AsJson(TypeDecorator[Any]):
    """A value of any type that pydantic knows, kept as JSON: ``mapped_column(AsJson(list[Address]))``.

    A change inside of the value is not seen: set the attribute to another value.
    """

    impl = JSON
    cache_ok = True
    in_migrations = "sa.JSON()"

    def __init__(self, kind: Any) -> None:
        super().__init__(none_as_null=True)
        self.kind = kind
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self._adapter.dump_python(value, mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self._adapter.validate_json(json.dumps(value))


class Entity:
    """The columns of every entity: an id, in the order in which rows were made, and a version that each change raises.

    A change of a row that somebody else has changed meanwhile is refused, by SQLAlchemy's `version_id_col`.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        """Let SQLAlchemy count the versions."""
        return {"version_id_col": cls.version}


NAME_LENGTH = 64
"""Characters of an enumeration's longest value."""

EXACT_TYPES: dict[Any, TypeEngine[Any]] = {
    datetime: Instant(),
    Decimal: Money(),
    # 64 bits, where `Integer` has 32 on Postgres. SQLite numbers a primary key only where its type is called INTEGER.
    int: BigInteger().with_variant(Integer(), "sqlite"),
    # Its value as text, and no CHECK: another member needs no migration.
    enum.Enum: Enum(
        enum.Enum, native_enum=False, length=NAME_LENGTH, values_callable=lambda kind: [str(it.value) for it in kind]
    ),
}
"""The columns of `Mapped[datetime]`, `Mapped[Decimal]`, `Mapped[int]` and `Mapped[<an enumeration>]`."""


def in_migrations(kind: object) -> str | None:
    """How a migration writes a type of these; None for others."""
    match kind:
        case Instant() | Money() | AsJson():
            return kind.in_migrations
        case Enum(native_enum=False, length=length):
            return f"sa.String({length})"
    return None


def _check_operands(op: OperatorType, *other: Any) -> None:
    if op in _MULTIPLIES and not (op is operator.mul and all(map(_is_whole, other))):
        raise TypeError("multiply and divide money in Python: SQL would do it differently on SQLite")


def _is_whole(operand: Any) -> bool:
    return isinstance(operand, int) or isinstance(getattr(operand, "type", None), Integer)
