"""A type, as a value: what an annotation stands for, in code or as it is typed on the command line."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from resonate_scaffold.values import is_number

Kind = Literal["scalar", "list", "set", "dict", "optional", "model", "enum", "alias", "literal", "opaque"]

# Where each scalar is imported from; "" is built in.
SCALARS: Mapping[str, tuple[str, str]] = {
    "str": ("", "str"),
    "int": ("", "int"),
    "float": ("", "float"),
    "bool": ("", "bool"),
    "date": ("!datetime", "date"),
    "time": ("!datetime", "time"),
    "datetime": ("!pydantic", "AwareDatetime"),
    "timedelta": ("!datetime", "timedelta"),
    "Decimal": ("!decimal", "Decimal"),
    "UUID": ("!uuid", "UUID"),
}
# JSON has these; the others arrive as text.
JSON_NATIVE = frozenset({"str", "int", "float", "bool"})
NUMBERS = frozenset({"int", "float", "Decimal"})

TYPES = f"{' '.join(SCALARS)} list[T] set[T] dict[str, T] Literal[a,b] T?"
"""The types, for an error."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A type, resolved.

    ``name``: the scalar's name, or the qualified name of a model, an enum or an alias; "" of what bounds restrict in
    place. ``of``: what a list, set, dict or optional holds, or what an alias stands for (None where that is not known).
    ``rules`` are literal constraints (``min_length``, ``pattern``, ``ge`` …), an enum's members with their values, or
    the ``choices`` of a literal. ``node`` is the annotation of what is neither (``opaque``, ``literal``).
    """

    kind: Kind
    name: str = ""
    of: Shape | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    node: ast.expr | None = field(default=None, compare=False)

    @property
    def spelled(self) -> str:
        """As it is typed on the command line, without bounds."""
        match self.kind:
            case "list" | "set":
                return f"{self.kind}[{self.inner.spelled}]"
            case "dict":
                return f"dict[str, {self.inner.spelled}]"
            case "optional":
                return f"{self.inner.spelled}?"
            case "literal" if self.choices:
                return f"Literal[{', '.join(map(repr, self.choices))}]"
            case "opaque" | "literal":
                return ast.unparse(self.node) if self.node else "?"
            case "alias" if self.of is not None and (not self.name or "[" in self.name):  # It has no name of its own.
                return self.of.spelled
            case _:
                return self.short

    @property
    def short(self) -> str:
        """The name without its module."""
        return self.name.rpartition(".")[2]

    @property
    def inner(self) -> Shape:
        """What a list, set, dict, optional or alias holds."""
        assert self.of is not None
        return self.of

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values of a literal."""
        found: tuple[Any, ...] = self.rules.get("choices", ())
        return found

    @property
    def bounds(self) -> str:
        """The bounds that were typed with it."""
        bounded = self.inner if self.kind == "optional" else self
        return spelled_bounds(bounded.rules) if bounded.kind == "alias" and not bounded.name else ""

    def walk(self) -> Iterator[Shape]:
        """This shape and all in it."""
        yield self
        if self.of is not None:
            yield from self.of.walk()

    @property
    def is_hashable(self) -> bool:
        """Whether a set can hold it."""
        return not any(part.kind in ("model", "list", "set", "dict", "opaque") for part in self.walk())

    @property
    def is_json_native(self) -> bool:
        """Whether JSON has a value of its own for it."""
        match self.kind:
            case "model" | "literal" | "enum":
                return True
            case "opaque" | "set":
                return False
            case "scalar":
                return self.name in JSON_NATIVE
        return self.of is not None and self.of.is_json_native

    @property
    def is_scalar(self) -> bool:
        """Whether it fits into one piece of a URL."""
        if self.kind == "alias":
            return self.of is not None and self.of.is_scalar
        return self.kind == "scalar" and self.name != "timedelta"


def read_type(
    node: ast.expr,
    base_of: Callable[[ast.expr], str],
    leaf: Callable[[ast.expr], Shape],
    rules_of: Callable[[ast.expr], Mapping[str, Any]] = lambda node: {},
) -> Shape:
    """A type that is written as an annotation: of code, or on the command line.

    Args:
        base_of: what a subscripted name stands for: ``list``, ``Optional``.
        leaf: the shape of a name.
        rules_of: the constraints that a part of ``Annotated`` has.
    """

    def read(node: ast.expr) -> Shape:
        return read_type(node, base_of, leaf, rules_of)

    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return Shape("optional", of=read(left))
        case ast.BinOp(left=ast.Constant(value=None), op=ast.BitOr(), right=right):
            return Shape("optional", of=read(right))
        case ast.Subscript(value=base, slice=inside):
            items = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            match base_of(base), items:
                case "list" | "List", [item]:
                    return Shape("list", of=read(item))
                case "set" | "Set", [item]:
                    return Shape("set", of=read(item))
                case "dict" | "Dict", [ast.Name(id="str"), item]:
                    return Shape("dict", of=read(item))
                case "Optional", [item]:
                    return Shape("optional", of=read(item))
                case "Union", [item, ast.Constant(value=None)]:
                    return Shape("optional", of=read(item))
                case "Literal", [ast.Constant(), *_]:
                    values = tuple(item.value for item in items if isinstance(item, ast.Constant))
                    is_plain = len(values) == len(items) and all(isinstance(it, str | int) for it in values)
                    rules = {"choices": values} if is_plain else {}
                    return Shape("literal", "" if is_plain else ast.unparse(node), rules=rules, node=node)
                case "Annotated", [item, *metadata]:
                    found = {name: rule for part in metadata for name, rule in rules_of(part).items()}
                    return Shape("alias", ast.unparse(node), of=read(item), rules=found)
        case ast.Name() | ast.Attribute():
            return leaf(node)
    return Shape("opaque", node=node)


def spelled_bounds(rules: Mapping[str, Any]) -> str:
    """Constraints as bounds are typed; of others nothing is said."""
    parts = []
    for least, most in (("min_length", "max_length"), ("ge", "le")):
        low, high = rules.get(least), rules.get(most)
        if least == "min_length" and low is not None and low == high:
            parts.append(str(low))
        elif is_number(low) or is_number(high):
            parts.append(f"{'' if low is None else low}..{'' if high is None else high}")
    return ",".join([*parts, *(f"{rule}{rules[rule]}" for rule in ("gt", "lt") if is_number(rules.get(rule)))])
