"""Fields as columns: what stands in `db/models.py`, and what a migration makes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import UsageError
from resonate_scaffold.fields import Field
from resonate_scaffold.generators.migrations import LONGEST_NAME
from resonate_scaffold.shape import Shape
from resonate_scaffold.shapes import annotation
from resonate_scaffold.values import Example

Bind = Callable[[str, str | None], str]

RESERVED = frozenset({"id", "version", "metadata", "registry"})
"""What every row has, and what SQLAlchemy calls its own."""

_LONGEST_VALUE = 64  # of an enumeration, as the runtime's NAME_LENGTH
_LONGEST_KEY = 600  # characters of an indexed text: Postgres takes 2,704 bytes
_DIGITS, _PLACES = 18, 2  # of a Decimal, as `Mapped[Decimal]` has it
_PLAIN = {
    "bool": "sa.Boolean()",
    "date": "sa.Date()",
    "datetime": "sa.DateTime(timezone=True)",
    "float": "sa.Float()",
    "int": 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")',
    "UUID": "sa.Uuid()",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``kind`` is its type in a migration; ``arguments`` are those of `mapped_column`."""

    name: str
    kind: str
    nullable: bool
    mapped: Callable[[Bind], str]
    arguments: Callable[[Bind], list[str]]
    default: Example | None = None

    def attribute(self, bind: Bind, more: Sequence[str] = ()) -> str:
        """Its line in the class of the rows; ``more`` are further arguments."""
        kind = f"{self.mapped(bind)} | None" if self.nullable else self.mapped(bind)
        head = f"{self.name}: {bind('!sqlalchemy.orm', 'Mapped')}[{kind}]"
        arguments = [*self.arguments(bind), *more, *self._default(bind)]
        if not arguments:
            return head
        call = layout.call(bind("!sqlalchemy.orm", "mapped_column"), arguments)
        return f"{head} = {layout.render(call)}"

    def _default(self, bind: Bind) -> list[str]:
        """What a row that is made without a value gets."""
        if self.default is None or self.default.json is None:
            return []
        code = layout.render(self.default.code)
        code = {"[]": "list", "{}": "dict", "set()": "set"}.get(code, code)  # Of these one for each row.
        for module, name in self.default.imports:
            code = re.sub(rf"\b{name}\(", f"{bind(module, name)}(", code)
        return [f"default={code}"]

    def in_migration(self, default: str | None = None) -> str:
        """It as a migration makes it; ``default`` is what rows that are there get, as code."""
        end = "" if default is None else f", server_default={default}"
        return f'sa.Column("{self.name}", {self.kind}, nullable={self.nullable}{end})'


def beside(bind: Bind, names: Collection[str]) -> Bind:
    """Imports for a class that has fields of these names: there `time: Mapped[time]` would mean the field."""

    def careful(module: str, wanted: str | None) -> str:
        return f"{bind(module, None)}.{wanted}" if wanted in names else bind(module, wanted)

    return careful


def column_of(field: Field) -> Column:
    """A field as a column.

    Raises:
        UsageError: it can be none.
    """
    shape, rules = _plain(field.shape)
    nullable = field.shape.kind == "optional"
    kind, arguments = _kind(field, shape, rules)

    def mapped(bind: Bind) -> str:
        match shape.kind:
            case "scalar" if shape.name == "datetime":
                return bind("!datetime", "datetime")
            case "literal":
                return type(shape.choices[0]).__name__
        return annotation(shape, bind)

    return Column(field.name, kind, nullable, mapped, arguments, field.value)


def bounded(field: Field) -> Field:
    """A field of which the column keeps every value: a Decimal has the digits of its column."""
    shape, rules = _plain(field.shape)
    if shape.name != "Decimal" or shape.kind != "scalar":
        return field
    digits, places = _digits(rules)
    inner = field.shape.inner if field.shape.kind == "optional" else field.shape
    own = inner.rules if inner.kind == "alias" and not inner.name else {}
    of = inner.inner if inner.kind == "alias" and not inner.name else inner
    exact = Shape("alias", of=of, rules={**own, "max_digits": digits, "decimal_places": places})
    return replace(field, shape=Shape("optional", of=exact) if field.shape.kind == "optional" else exact)


def check_indexed(field: Field, why: str) -> None:
    """Refuse a column that no index can have.

    Raises:
        UsageError: it is kept as JSON, or its texts may be too long.
    """
    shape, rules = _plain(field.shape)
    if shape.kind in ("list", "set", "dict", "model") or shape.name in ("time", "timedelta"):
        raise UsageError(f"{why} {field.wire}: a {shape.spelled} is kept as JSON, which no index has", "Leave it out.")
    longest = rules.get("max_length")
    if shape.name == "str" and (longest is None or longest > _LONGEST_KEY):
        raise UsageError(
            f"{why} {field.wire}: its texts may be longer than an index takes",
            f"Bound it, to {_LONGEST_KEY} characters at most: {field.wire}:{field.shape.spelled}:1..80",
        )


def default_in_sql(field: Field) -> str | None:
    """The default of a field as rows that are there get it, as code of a migration; None where it has none."""
    shape, rules = _plain(field.shape)
    value = field.value
    if value is None or value.json is None:
        return None
    match shape.kind, shape.name:
        case ("scalar", "bool"):
            return "sa.true()" if value.json else "sa.false()"
        case ("scalar", "int" | "float"):
            return f'sa.text("{value.json}")'
        case ("scalar", "Decimal"):
            return _by_dialect(str(_units(field, str(value.json), _digits(rules)[1])), str(value.json))
        case ("scalar", "UUID"):
            return _by_dialect(f"'{str(value.json).replace('-', '')}'", f"'{value.json}'")
        case ("scalar", "datetime"):
            moment = str(value.json).removesuffix("Z").replace("T", " ")
            moment = moment if "." in moment else f"{moment}.000000"
            return _by_dialect(f"'{moment}'", f"'{moment}+00:00'")
        case ("scalar", "str" | "date") | ("enum" | "literal", _):
            return layout.text(str(value.json)) if not isinstance(value.json, int) else f'sa.text("{value.json}")'
    return layout.text(json.dumps(value.json))


def checked_name(name: str) -> str:
    """A name of a constraint or index, if Postgres does not cut it.

    Raises:
        UsageError: it is too long.
    """
    if len(name) > LONGEST_NAME:
        raise UsageError(
            f"The database would have {name}, which is longer than {LONGEST_NAME} characters", "Choose shorter names."
        )
    return name


def _by_dialect(sqlite: str, postgres: str) -> str:
    return f'sa.text({layout.text(sqlite)} if op.get_context().dialect.name == "sqlite" else {layout.text(postgres)})'


def _units(field: Field, text: str, places: int) -> int:
    """A Decimal as SQLite keeps it: a whole number of its smallest unit."""
    units = Decimal(text).scaleb(places)
    if units != int(units):
        raise UsageError(f"{field.wire}: {text} has more than {places} digits behind the point", "Round it.")
    return int(units)


def _plain(shape: Shape) -> tuple[Shape, Mapping[str, Any]]:
    """A type without None and names, and all its constraints."""
    rules: dict[str, Any] = {}
    while shape.kind in ("optional", "alias") and shape.of is not None:
        rules = {**shape.rules, **rules}
        shape = shape.of
    return shape, rules


def _digits(rules: Mapping[str, Any]) -> tuple[int, int]:
    """How many digits a Decimal has, and how many of them behind the point."""
    places = rules.get("decimal_places", _PLACES)
    return min(rules.get("max_digits", _DIGITS), _DIGITS), places


def _kind(field: Field, shape: Shape, rules: Mapping[str, Any]) -> tuple[str, Callable[[Bind], list[str]]]:
    """The type of a column in a migration, and what `mapped_column` is told of it."""
    match shape.kind, shape.name:
        case ("scalar", "str"):
            longest = rules.get("max_length")
            if longest is None:
                return "sa.String()", lambda bind: []
            return f"sa.String({longest})", lambda bind: [f"{bind('!sqlalchemy', 'String')}({longest})"]
        case ("scalar", "Decimal"):
            digits, places = _digits(rules)
            kind = f'sa.Numeric({digits}, {places}).with_variant(sa.BigInteger(), "sqlite")'
            if (digits, places) == (_DIGITS, _PLACES):
                return kind, lambda bind: []
            return kind, lambda bind: [f"{bind('runtime.columns', 'Money')}({digits}, {places})"]
        case ("scalar", name) if name in _PLAIN:
            return _PLAIN[name], lambda bind: []
        case ("enum", _):
            if max(len(str(value)) for value in shape.rules.values()) > _LONGEST_VALUE:
                raise UsageError(
                    f"{field.wire}: a value of {shape.short} is longer than {_LONGEST_VALUE} characters", "Shorten it."
                )
            return f"sa.String({_LONGEST_VALUE})", lambda bind: []
        case ("literal", _) if shape.choices and len({type(it) for it in shape.choices}) == 1:
            if isinstance(shape.choices[0], int):
                return _PLAIN["int"], lambda bind: []
            kind = f"String({_LONGEST_VALUE})"
            return f"sa.{kind}", lambda bind: [f"{bind('!sqlalchemy', 'String')}({_LONGEST_VALUE})"]
        case ("opaque" | "alias" | "literal", _):
            raise UsageError(
                f"{field.wire}: no column is known for {field.shape.spelled}", "Name a model of the contracts instead."
            )
    # Of these SQL has no type that is exact on both databases.
    return "sa.JSON()", lambda bind: [f"{bind('runtime.columns', 'AsJson')}({annotation(shape, bind)})"]
