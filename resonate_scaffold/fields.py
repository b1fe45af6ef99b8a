"""Fields: from ``limit:int:1..100=20`` or a contract's annotation to a shape, and back to what is typed.

    FIELD:TYPE[:BOUNDS][=DEFAULT]

FIELD     the name in JSON, any: ``customerId`` is ``customer_id`` in Python, ``from`` is ``from_``
TYPE      str int float bool date time datetime timedelta Decimal UUID   a datetime has a zone, a timedelta is PT1H
          list[T]  set[T]  dict[str, T]  Literal[a,b]
          T?  T | None  Optional[T]                          may be left out, and is None then
          Insurer, AccountView, db.AccountView               an enum, a model or another type of the contracts
BOUNDS    1..80  1..  ..80                                   at least, at most: of a number, or of a length
          gt0  lt1  ge0  le1, with commas between            more and less than, for numbers
          3                                                  exactly so long
DEFAULT   the rest: 20, true, 2026-01-31, a member of an enum; of a list, set or dict only the empty one: []

No mark in ``name:str:1..80`` or ``quantity:int:gt0`` means something to a shell. What has ``?``, ``[``, ``|`` or a
blank stands in quotes, in some of them. :func:`parse_fields` is the one reader, whatever the option; what it gives
(:class:`Field`) is written into code by ``shapes.declaration``, and by :attr:`Field.spelled` as it is typed.
"""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from resonate_scaffold.errors import UsageError, plain, quoted
from resonate_scaffold.shape import NUMBERS, SCALARS, TYPES, Shape, read_type
from resonate_scaffold.values import Example, read_value

if TYPE_CHECKING:
    from resonate_scaffold.edit.source import Source

# Names that mean something else in a model: pydantic's own, and types that are written without an import.
_TAKEN = frozenset({"str", "int", "float", "bool", "list", "set", "dict", "self", "l"}) | {
    *("construct", "copy", "from_orm", "json", "parse_file", "parse_obj", "parse_raw", "schema", "schema_json"),
    *("update_forward_refs", "validate"),
}
# Of those that begin with model_, as far as pydantic has them; it keeps all that begin with the last two.
_OF_MODELS = frozenset(
    {
        *("computed_fields", "config", "construct", "copy", "extra", "fields", "fields_set", "json_schema"),
        *("parametrized_name", "post_init", "rebuild"),
    }
)
_PROTECTED = ("model_validate", "model_dump")
_LONGEST = 40
_LONGEST_WIRE = 60
_LONGEST_TYPE = 400
_DEEPEST = 20
_MEANT = {
    **{"string": "str", "text": "str", "integer": "int", "number": "float", "boolean": "bool", "decimal": "Decimal"},
    **{"uuid": "UUID", "Date": "date", "Time": "time", "DateTime": "datetime", "AwareDatetime": "datetime"},
    **{"timestamp": "datetime", "duration": "timedelta"},
}
_NO_TYPE_OF_VALUES = {
    "object": "Name a model of the contracts, or write dict[str, T].",
    "any": "Name a model of the contracts, or write dict[str, T].",
    "Any": "Name a model of the contracts, or write dict[str, T].",
    "array": "Write list[T].",
    "tuple": "Write list[T].",
    **{name: f"Write {name}[T]." for name in ("list", "set", "Optional")},
    "dict": "Write dict[str, T].",
    "Literal": "Write Literal[a,b].",
    "enum": "Write Literal[a,b], or name an enum of the contracts.",
    "bytes": "Write str.",
}
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_RANGE = re.compile(rf"(?P<least>{_NUMBER})?\.\.(?P<most>{_NUMBER})?")
_SIDE = re.compile(rf"(?P<rule>gt|ge|lt|le)(?P<bound>{_NUMBER})")
_COMPARED = re.compile(rf"(?P<type>.*?)(?P<sign>>=|<=|>|<)(?P<bound>{_NUMBER})(?P<rest>=.*)?")
_SIGNS = {">=": "ge", "<=": "le", ">": "gt", "<": "lt"}
_BRACED = re.compile(r"(?P<type>[^{}]*)\{(?P<least>[0-9]*),?(?P<most>[0-9]*)\}(?P<rest>.*)")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a model: its ``name`` in Python, its name on the wire (in JSON), its type.

    ``optional``: it has a default. A field that was read from code has its ``annotation`` and its ``default`` as they
    stand in ``source``; one that was typed on the command line has none of the three, and what was typed after its
    ``=`` in ``typed_default``.
    """

    name: str
    shape: Shape
    optional: bool = False
    annotation: ast.expr | None = field(default=None, compare=False)
    default: ast.expr | None = field(default=None, compare=False)
    source: Source | None = field(default=None, compare=False)
    wire: str = ""
    typed_default: str | None = None

    def __post_init__(self) -> None:
        if not self.wire:
            object.__setattr__(self, "wire", self.name)

    @property
    def has_alias(self) -> bool:
        """Whether JSON calls it otherwise than Python."""
        return self.wire != self.name

    @property
    def value(self) -> Example | None:
        """The default that was typed: as code with its imports, and as JSON. None where there is none."""
        if self.typed_default is not None:
            return read_value(self.shape, self.typed_default)
        return Example("None", (), None) if self.optional and self.source is None else None

    @property
    def spelled(self) -> str:
        """As it is typed on the command line."""
        bounds, default = self.shape.bounds, self.typed_default
        return (
            f"{self.wire}:{self.shape.spelled}{f':{bounds}' if bounds else ''}"
            f"{'' if default is None else f'={default}'}"
        )


Resolve = Callable[[str], Shape]


def parse_fields(specs: list[str], option: str, resolve: Resolve) -> tuple[Field, ...]:
    """Read ``FIELD:TYPE[:BOUNDS][=DEFAULT]`` texts.

    Args:
        option: the option that they came with, for the errors.
        resolve: finds a model or another type by the name that was typed, or raises.

    Raises:
        UsageError: a text that is no field, or a name given twice.
    """
    found: dict[str, Field] = {}
    for spec in specs:
        one = parse_field(spec, option, resolve)
        if one.name in found:
            other = found[one.name].wire
            what = f"{option} names {plain(one.wire)} twice"
            if other != one.wire:
                what = f"{option}: {plain(other)} and {plain(one.wire)} are both {one.name} in Python"
            raise UsageError(what, "Give each field once.")
        found[one.name] = one
    return tuple(found.values())


def parse_field(spec: str, option: str, resolve: Resolve) -> Field:
    """Read one: see :func:`parse_fields`."""
    wire, colon, rest = spec.partition(":")
    wire = wire.strip()
    where = f"{option} {quoted(spec)}"
    if not colon:
        raise UsageError(f"{where} is not FIELD:TYPE", f"For example: {option} order_id:str")
    name = check_field_name(wire, option)
    kind, bounds, default = _parted(rest)
    _check_marks(wire, rest, option, where)
    if bounds is not None and bounds.endswith("?"):
        end = "" if default is None else f"={default}"
        hint = f"Write {option} {wire}:{kind}?:{bounds[:-1]}{end}"
        raise UsageError(f"{where}: the ? of what may be left out stands behind the type", hint)
    shape = parse_type(kind, where, resolve)
    if bounds is not None:
        shape = _bounded(shape, bounds, where)
    one = Field(name, shape, optional=shape.kind == "optional" or default is not None, wire=wire)
    if default is not None:
        one = replace(one, typed_default=default)
        if one.value is None:
            raise UsageError(f"{where}: {quoted(default)} is no {shape.spelled}{_of_bounds(shape)}", _defaults(shape))
    return one


def _parted(rest: str) -> tuple[str, str | None, str | None]:
    """Type, bounds and default."""
    marks = [at for at, char in _outside(rest) if char in ":="]
    first = marks[0] if marks else len(rest)
    equals = rest.find("=", first)
    end = len(rest) if equals < 0 else equals
    bounds = rest[first + 1 : end].strip() if rest[first : first + 1] == ":" else None
    return rest[:first], bounds, rest[end + 1 :] if equals >= 0 else None


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """The characters outside of brackets and quotes."""
    depth, quote = 0, ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and depth:
            quote = char
        elif char in "[(":
            depth += 1
        elif char in "])":
            depth -= 1
        elif depth <= 0:
            yield at, char


def _check_marks(wire: str, rest: str, option: str, where: str) -> None:
    """Refuse bounds in another form, which a shell would take for its own, with what to type."""
    if match := _COMPARED.fullmatch(rest):
        written = f"{match['type']}:{_SIGNS[match['sign']]}{match['bound']}{match['rest'] or ''}"
    elif match := _BRACED.fullmatch(rest):
        most = match["most"] if "," in rest else match["least"]
        written = f"{match['type']}:{match['least']}..{most}{match['rest']}"
    else:
        return
    raise UsageError(f"{where}: bounds stand behind a colon", f"Write {option} {wire}:{written}")


def check_field_name(name: str, option: str) -> str:
    """The name in Python of a field that JSON calls *name*.

    Raises:
        UsageError: it can be none, or none that anybody would read.
    """
    found = python_name(name.partition(":")[0] if option == "PATH" else name)
    if option == "PATH" and (found != name or not found):  # A parameter is written as Python has it.
        raise UsageError(f"{{{plain(name)}}} is no parameter of a path", f"Write {{{found[:_LONGEST] or 'order_id'}}}")
    if not found or not name.isprintable() or name.startswith("-"):  # as an option would
        raise UsageError(f"{option}: {quoted(name)} is no name of a field", f"For example: {option} order_id:str")
    if len(found) > _LONGEST or len(name) > _LONGEST_WIRE:
        better = found[:_LONGEST].rstrip("_")
        raise UsageError(f"{option}: {quoted(name)} is longer than {_LONGEST}", f"Try: {option} {better}:str")
    return found


def python_name(wire: str) -> str:
    """What Python calls a field that JSON calls *wire*: ``customer_id`` for ``customerId``, ``from_`` for ``from``.

    "" where the name has neither letters nor digits.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", wire).replace("ß", "ss").lower()
    latin = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", latin).strip("_")
    if not name:  # In letters that have no Latin ones.
        name = unicodedata.normalize("NFKC", wire)
        return name if name.isidentifier() and not name.startswith("_") else ""
    if name[0].isdigit():
        name = f"n{name}"
    return f"{name}_" if is_reserved(name) else name


def is_reserved(name: str) -> bool:
    """Whether no field of a model can have this name in Python."""
    of_model = name.startswith(_PROTECTED) or (name.removeprefix("model_") in _OF_MODELS and name.startswith("model_"))
    return name in _TAKEN or keyword.iskeyword(name) or of_model


def parse_type(text: str, where: str, resolve: Resolve) -> Shape:
    """Read a type as it is typed on the command line; ``where`` is for the error.

    Raises:
        UsageError: it is none, or has a name that ``resolve`` does not know.
    """
    stripped = text.strip()
    too_deep = UsageError(f"{where}: the type is too deep", "Make a model of its parts in the contracts, and name it.")
    if len(stripped) > _LONGEST_TYPE:
        raise too_deep
    if "??" in stripped:
        raise _no_type(where, "??")
    written = _with_quotes(stripped)
    for at, char in reversed([*enumerate(written)]):
        if char == "?" and not _is_quoted(written, at):
            written = f"{written[:at]} | None{written[at + 1 :]}"
    try:
        node = ast.parse(written, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _no_type(where, stripped) from None
    if _depth(node) > _DEEPEST:
        raise too_deep

    def leaf(node: ast.expr) -> Shape:
        name = ast.unparse(node)
        if name in SCALARS:
            return Shape("scalar", name)
        hint = f"Write {_MEANT[name]}." if name in _MEANT else _NO_TYPE_OF_VALUES.get(name)
        if match := re.fullmatch(r"(str|int|float|Decimal)[0-9]+", name):  # What bash makes of str{1,80}.
            hint = f"Bounds stand behind a colon: {match[1]}:1..80"
        if hint is not None:
            raise UsageError(f"{where}: there is no type {name}", hint)
        return resolve(name)

    shape = read_type(node, lambda base: ast.unparse(base).rpartition(".")[2], leaf)
    wrong = next((part for part in shape.walk() if part.kind == "opaque"), None)
    if wrong is not None:
        raise _no_type(where, wrong.spelled if wrong is not shape else stripped)
    if any(part.kind == "set" and not part.inner.is_hashable for part in shape.walk()):
        raise UsageError(f"{where}: a set holds no models, lists, sets or dicts", "Write list[T].")
    return shape


def _with_quotes(text: str) -> str:
    """A type with the values of each ``Literal`` in quotes: a shell may have taken them off."""

    def in_quotes(match: re.Match[str]) -> str:
        items = [item.strip() for item in re.split(r""",(?=(?:[^"']|"[^"]*"|'[^']*')*$)""", match[1])]
        as_is = re.compile(r"""-?[0-9]+|True|False|"[^"]*"|'[^']*'""")
        return f"Literal[{', '.join(item if not item or as_is.fullmatch(item) else repr(item) for item in items)}]"

    return re.sub(r"""\bLiteral\[((?:[^\]"']|"[^"]*"|'[^']*')*)\]""", in_quotes, text)


def _is_quoted(text: str, at: int) -> bool:
    before = text[:at]
    return before.count('"') % 2 == 1 or before.count("'") % 2 == 1


def _depth(node: ast.AST) -> int:
    return 1 + max((_depth(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)), default=0)


def _no_type(where: str, at: str) -> UsageError:
    near = f" (near {quoted(at)})" if at else ""
    return UsageError(
        f"{where} has no type that can be read{near}", f"Types: {TYPES}, or an enum or a model of the contracts."
    )


def _bounded(shape: Shape, bounds: str, where: str) -> Shape:
    """The type with bounds as they were typed.

    Raises:
        UsageError: they are none, or none of this type.
    """
    inner = shape.inner if shape.kind == "optional" else shape
    plain_type = inner
    while plain_type.kind == "alias" and plain_type.of is not None:
        plain_type = plain_type.of
    is_number_type = plain_type.kind == "scalar" and plain_type.name in NUMBERS
    if not is_number_type and plain_type.kind not in ("list", "set", "dict") and plain_type.name != "str":
        hint = "Leave them out, or name a type of the contracts that has them."
        raise UsageError(f"{where}: bounds are for numbers and for lengths, and not for {shape.spelled}", hint)
    example = "gt0,le100" if is_number_type else "1..80"
    refused = UsageError(f"{where}: {quoted(bounds)} are no bounds of {shape.spelled}", f"For example: {example}")
    rules: dict[str, Any] = {}
    least, most = ("ge", "le") if is_number_type else ("min_length", "max_length")
    for part in filter(None, bounds.split(",")):
        if match := _RANGE.fullmatch(part):
            found = {least: match["least"], most: match["most"]}
        elif is_number_type and (match := _SIDE.fullmatch(part)):
            found = {match["rule"]: match["bound"]}
        elif not is_number_type and part.isdecimal():
            found = {least: part, most: part}
        else:
            raise refused
        for rule, bound in found.items():
            if bound is None:
                continue
            number = _bound(bound, whole=plain_type.name == "int" or not is_number_type)
            if number is None or rule in rules or (not is_number_type and number < 0):
                raise refused
            rules[rule] = number
    lower = max((rules[rule] for rule in (least, "gt") if rule in rules), default=None)
    upper = min((rules[rule] for rule in (most, "lt") if rule in rules), default=None)
    is_empty = (
        lower is not None and upper is not None and (lower > upper or (lower == upper and {"gt", "lt"} & {*rules}))
    )
    if not rules or is_empty:
        raise refused
    bounded = Shape("alias", of=inner, rules=rules)
    return Shape("optional", of=bounded) if shape.kind == "optional" else bounded


def _bound(text: str, *, whole: bool) -> int | Decimal | None:
    number = Decimal(text)
    if number == number.to_integral_value():
        return int(number)
    return None if whole else number


def _of_bounds(shape: Shape) -> str:
    return f" of {shape.bounds}" if shape.bounds else ""


def _defaults(shape: Shape) -> str:
    """What a default of a type looks like."""
    inner = next(part for part in shape.walk() if part.kind not in ("optional", "alias") or part.of is None)
    match inner.kind:
        case "literal":
            return f"One of: {', '.join(map(str, inner.choices))}"
        case "enum":
            return f"One of: {', '.join(inner.rules)}"
        case "list" | "set" | "dict":
            return "Only an empty one can be a default: []"
        case "model" | "alias" | "opaque":
            return "Leave the default out: write it into the contract."
    examples = {
        **{"str": "=EUR", "int": "=20", "float": "=0.5", "bool": "=true", "date": "=2026-01-31", "time": "=12:30"},
        **{"datetime": "=2026-01-31T12:00:00Z", "timedelta": "=PT1H30M", "Decimal": "=1.50"},
    }
    return f"For example: {examples.get(inner.name, '=6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11')}"


def closest(wanted: str, known: list[str]) -> str:
    """The end of a hint: what was probably meant, or what there is."""
    near = get_close_matches(wanted, known, n=1)
    if near:
        return f"Did you mean {plain(near[0])}?"
    listed = ", ".join(map(plain, sorted(known)[:12]))
    return f"There is: {listed}" if listed else "There is none yet."
