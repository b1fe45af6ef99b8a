"""Fields: from ``order_id:str`` or a contract's annotation to a shape, and from a shape to code and examples.

str int float bool date datetime Decimal UUID   scalars; a datetime has a time zone (pydantic's AwareDatetime)
list[T]  dict[str, T]  T?                       T? may be left out
AccountView, db.AccountView                     a model, or another named type, of the contracts
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from resonate_scaffold.errors import UsageError, plain, quoted

if TYPE_CHECKING:
    from resonate_scaffold.edit.source import Source

Kind = Literal["scalar", "list", "dict", "optional", "model", "alias", "literal", "opaque"]

# Where each scalar is imported from; "" is built in.
SCALARS: Mapping[str, tuple[str, str]] = {
    "str": ("", "str"),
    "int": ("", "int"),
    "float": ("", "float"),
    "bool": ("", "bool"),
    "date": ("!datetime", "date"),
    "datetime": ("!pydantic", "AwareDatetime"),
    "Decimal": ("!decimal", "Decimal"),
    "UUID": ("!uuid", "UUID"),
}
# JSON has these; the others arrive as text.
JSON_NATIVE = frozenset({"str", "int", "float", "bool"})

# Names that a field of a pydantic model cannot have, or that read as something else in the code around it.
_RESERVED = frozenset(SCALARS) | {
    "l",  # which reads as 1
    *("construct", "copy", "dict", "fields", "from_orm", "json", "list", "model", "parse_file", "parse_obj"),
    *("parse_raw", "schema", "schema_json", "self", "update_forward_refs", "validate"),
}
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_.]*)|(?P<mark>[\[\],?]))")


@dataclass(frozen=True, slots=True)
class Shape:
    """A type, resolved.

    ``name``: the scalar's name, or the qualified name of a model or alias. ``of``: what a list, dict or optional
    holds, or what an alias stands for (None where that is not known). ``rules`` are literal constraints
    (``min_length``, ``pattern``, ``ge`` …). ``node`` is the annotation of what is neither (``opaque``, ``literal``).
    """

    kind: Kind
    name: str = ""
    of: Shape | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    node: ast.expr | None = field(default=None, compare=False)

    @property
    def spelled(self) -> str:
        """As it is typed on the command line."""
        match self.kind:
            case "list":
                return f"list[{self.inner.spelled}]"
            case "dict":
                return f"dict[str, {self.inner.spelled}]"
            case "optional":
                return f"{self.inner.spelled}?"
            case "opaque" | "literal":
                return ast.unparse(self.node) if self.node else "?"
            case _:
                return self.name.rpartition(".")[2]

    @property
    def inner(self) -> Shape:
        """What a list, dict or optional holds."""
        assert self.of is not None
        return self.of

    def walk(self) -> Iterator[Shape]:
        """This shape and all in it."""
        yield self
        if self.of is not None:
            yield from self.of.walk()

    @property
    def is_json_native(self) -> bool:
        """Whether JSON has a value of its own for it."""
        if self.kind == "model":
            return True  # it has a configuration of its own
        if self.kind in ("opaque", "literal"):
            return self.kind == "literal"
        if self.kind == "scalar":
            return self.name in JSON_NATIVE
        return self.of is not None and self.of.is_json_native

    @property
    def is_scalar(self) -> bool:
        """Whether it fits into one piece of a URL."""
        if self.kind == "alias":
            return self.of is not None and self.of.is_scalar
        return self.kind == "scalar"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a model.

    ``optional``: it has a default. A field that was read from code has its ``annotation`` and its ``default`` as they
    stand in ``source``; one that was typed on the command line has none of the three.
    """

    name: str
    shape: Shape
    optional: bool = False
    annotation: ast.expr | None = field(default=None, compare=False)
    default: ast.expr | None = field(default=None, compare=False)
    source: Source | None = field(default=None, compare=False)

    @property
    def spelled(self) -> str:
        """As it is typed on the command line."""
        return f"{self.name}:{self.shape.spelled}"


Resolve = Callable[[str], Shape]


def parse_fields(specs: list[str], option: str, resolve: Resolve) -> tuple[Field, ...]:
    """Read ``NAME:TYPE`` texts.

    Args:
        option: the option that they came with, for the errors.
        resolve: finds a model by the name that was typed, or raises.

    Raises:
        UsageError: a text that is no field, a name that a model cannot have, or a name given twice.
    """
    found: dict[str, Field] = {}
    for spec in specs:
        name, colon, kind = spec.partition(":")
        name = name.strip()
        if not colon:
            raise UsageError(f"{option} {quoted(spec)} is not FIELD:TYPE", f"For example: {option} order_id:str")
        check_field_name(name, option)
        if name in found:
            raise UsageError(f"{option} names {name} twice", "Give each field once.")
        shape = parse_type(kind, f"{option} {quoted(spec)}", resolve)
        found[name] = Field(name, shape, optional=shape.kind == "optional")
    return tuple(found.values())


def check_field_name(name: str, option: str) -> None:
    """Refuse a name that cannot be a field of a model.

    Raises:
        UsageError: with a name that works.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    better = re.sub(r"[^a-z0-9]+", "_", words).strip("_") or "value"
    better = f"n{better}" if better[0].isdigit() else better
    better = f"the_{better}" if is_reserved(better) else better
    if not _NAME.fullmatch(name) or len(name) > 40:
        reason = "is not a name of lower-case letters, digits and _" if len(name) <= 40 else "is longer than 40"
        raise UsageError(f"{option}: {quoted(name)} {reason}", f"Try: {option} {better[:40].rstrip('_')}:str")
    if is_reserved(name):
        raise UsageError(f"{option}: {name} means something else in a model", f"Try: {option} the_{name[:36]}:str")


def is_reserved(name: str) -> bool:
    """Whether no field of a model can have this name."""
    return name in _RESERVED or keyword.iskeyword(name) or name.startswith("model_")


def parse_type(text: str, where: str, resolve: Resolve) -> Shape:
    """Read a type as it is typed on the command line; ``where`` is for the error.

    Raises:
        UsageError: it is none, or has a name that ``resolve`` does not know.
    """
    tokens: list[str] = []
    position = 0
    stripped = text.strip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise _no_type(where, stripped[position:].strip())
        tokens.append(match["name"] or match["mark"])
        position = match.end()
    if len(tokens) > 40:
        raise UsageError(f"{where}: the type is too deep", "Make a model of its parts in the contracts, and name it.")
    shape, rest = _type(tokens, where, resolve)
    if rest:
        raise _no_type(where, rest[0])
    return shape


def _type(tokens: list[str], where: str, resolve: Resolve) -> tuple[Shape, list[str]]:
    if not tokens or not re.match(r"[A-Za-z_]", tokens[0]):
        raise _no_type(where, tokens[0] if tokens else "")
    name, rest = tokens[0], tokens[1:]
    if name == "list":
        rest = _expect("[", rest, where)
        item, rest = _type(rest, where, resolve)
        rest = _expect("]", rest, where)
        shape = Shape("list", of=item)
    elif name == "dict":
        for mark in ("[", "str", ","):
            rest = _expect(mark, rest, where)
        item, rest = _type(rest, where, resolve)
        rest = _expect("]", rest, where)
        shape = Shape("dict", of=item)
    elif name in SCALARS:
        shape = Shape("scalar", name)
    else:
        shape = _named(name, where, resolve)
    if rest[:1] == ["?"]:
        rest = rest[1:]
        shape = Shape("optional", of=shape)
        if rest[:1] == ["?"]:
            raise _no_type(where, "??")
    return shape, rest


def _named(name: str, where: str, resolve: Resolve) -> Shape:
    meant = {
        "string": "str", "text": "str", "integer": "int", "number": "float", "boolean": "bool", "decimal": "Decimal",
        "uuid": "UUID", "Date": "date", "DateTime": "datetime", "time": "datetime", "timestamp": "datetime",
        "array": "list[str]", "object": "dict[str, str]", "List": "list[str]", "Dict": "dict[str, str]",
    }.get(name)  # fmt: skip
    if meant is not None:
        raise UsageError(f"{where}: there is no type {name}", f"Write {meant}.")
    return resolve(name)


def _expect(mark: str, tokens: list[str], where: str) -> list[str]:
    if tokens[:1] != [mark]:
        raise _no_type(where, tokens[0] if tokens else "")
    return tokens[1:]


def _no_type(where: str, at: str) -> UsageError:
    near = f" (near {at!r})" if at else ""
    return UsageError(
        f"{where} has no type that can be read{near}",
        f"Types: {' '.join(SCALARS)} list[T] dict[str, T] T? or a model of the contracts.",
    )


def closest(wanted: str, known: list[str]) -> str:
    """The end of a hint: what was probably meant, or what there is."""
    near = get_close_matches(wanted, known, n=1)
    if near:
        return f"Did you mean {plain(near[0])}?"
    shown = ", ".join(map(plain, sorted(known)[:12]))
    return f"There is: {shown}" if shown else "There is none yet."
