"""The types of a service's contracts: resolved from their annotations, and examples of them.

An example is what a generated test sends and what a function that has no business in it yet returns. It obeys the
constraints that stand in the annotation as literals.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import Unknown, UsageError, plain
from resonate_scaffold.fields import Field, closest
from resonate_scaffold.layout import Code, Item
from resonate_scaffold.service.service import Service
from resonate_scaffold.service.types import Alias, ModelType
from resonate_scaffold.shape import SCALARS, TYPES, Shape, read_type
from resonate_scaffold.values import (
    Example,
    Import,
    accepts,
    chosen,
    example_of_scalar,
    is_json,
    is_number,
    lengths,
    member,
)

_SCALAR_NAMES = {
    **{(module or "", name): scalar for scalar, (module, name) in SCALARS.items()},
    ("!datetime", "datetime"): "datetime",
}
_TYPING = ("!typing.", "!typing_extensions.")
_WIRE = ("validation_alias", "alias")  # what says how JSON calls a field, the stronger first
# What stands among constraints and is none.
_NO_CONSTRAINTS = frozenset(_WIRE) | {
    *("serialization_alias", "title", "description", "examples", "default", "default_factory", "repr", "exclude"),
    *("json_schema_extra", "deprecated"),
}
_UNKNOWN = "?"
_CONSTRAINTS = frozenset({"!pydantic.Field", "!pydantic.StringConstraints", "!annotated_types.Len"})


class Types:
    """The types that the contracts of a service have."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def resolve(self, name: str) -> Shape:
        """Find a model, or another named type, by its name or by ``module.name``.

        Raises:
            UsageError: there is none, or there are several.
        """
        near = self._service.types_spelling(name.rpartition(".")[2])
        found = [it.qualified for it in near if f".{it.qualified}".endswith(f".{name}")]
        if len(found) > 1:
            choices = ", ".join(qualified.removeprefix("contracts.") for qualified in found)
            raise UsageError(f"Several contracts have a type {plain(name)}", f"Say which: {choices}")
        if not found:
            short = [it.name for it in self._service.types]
            hint = f"{TYPES}, or an enum or a model of the contracts. {closest(name, short)}"
            raise UsageError(f"There is no type {plain(name)}", hint)
        return self._shape_of_name(found[0])

    def fields(self, qualified: str) -> tuple[Field, ...]:
        """The fields of a model of the contracts."""
        model = self._service.named_type(qualified)
        if not isinstance(model, ModelType):
            name = qualified.rpartition(".")[2]
            raise Unknown(f"The model {name} cannot be read from the contracts", "Define it there as a pydantic model.")
        return tuple(self._fields(model))

    def example(self, shape: Shape, *, other: bool = False) -> Example | None:
        """An example, or with ``other`` a different one; None where no value is known that fits."""
        return self._example(shape, other, ())

    def example_of(self, qualified: str, fields: Sequence[Field]) -> Example | None:
        """An example of a model that has these fields; what may be left out is."""
        return self._model_of(qualified, fields, False, ())

    def fits(self, given: Shape, wanted: Shape, *, surely: bool = False) -> bool:
        """Whether a value of one type does for the other: by their types, and by the constraints as an example has it.

        ``surely``: every value does, whatever a client sends. Else what has a constraint that only *wanted* has may
        break it; then the call fails, as it should.
        """
        if any(part.kind == "opaque" for part in given.walk()):
            return False
        one, other = _plain(given), _plain(wanted)
        if other.kind == "optional" and one.kind != "optional":
            other = other.inner
        if one != other:
            return False
        if given == wanted:
            return True
        if surely:
            return implies(given, wanted)
        example = self.example(given)
        return example is not None and accepts(wanted, example.json)

    def shape(self, node: ast.expr, source: Source) -> Shape:
        """What an annotation of a module stands for."""
        return self._shape(node, source, frozenset())

    def _source(self, module: str) -> Source:
        path = self._service.path_of(module)
        assert path is not None  # a type of the module was found there
        return self._service.source(path)

    def _fields(self, model: ModelType) -> Iterator[Field]:
        for item in model.fields:
            source = self._source(item.module)
            shape = self._shape(item.annotation, source, frozenset({f"{model.module}.{model.name}"}))
            rules, optional = _rules_of_default(item.default, source)
            names = {**shape.rules, **rules} if shape.kind == "alias" else rules
            wire = next((it for key in _WIRE if isinstance(it := names.get(key), str)), "")
            if rules.keys() - set(_WIRE):
                shape = Shape("alias", f"[{model.name}.{item.name}]", of=shape, rules=rules)
            yield Field(item.name, shape, optional, item.annotation, item.default, source, wire)

    def _shape_of_name(self, qualified: str, seen: frozenset[str] = frozenset()) -> Shape:
        alias = self._service.named_type(qualified)
        if isinstance(alias, ModelType):
            return Shape("model", qualified)
        assert alias is not None  # whoever calls this has found it
        if isinstance(alias.node, ast.ClassDef) and (members := _members(alias)):
            return Shape("enum", qualified, rules=members)
        if qualified in seen or not isinstance(alias.node, ast.expr):
            return Shape("alias", qualified)
        source = self._source(alias.module)
        return Shape("alias", qualified, of=self._shape(alias.node, source, seen | {qualified}))

    def _shape(self, node: ast.expr, source: Source, seen: frozenset[str]) -> Shape:
        def base(node: ast.expr) -> str:
            name = source.qualified(node)
            if name is None:
                return _builtin(node)
            return name.rpartition(".")[2] if name.startswith(_TYPING) else name

        def leaf(node: ast.expr) -> Shape:
            return self._name(node, source, seen)

        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                return self._shape(ast.parse(node.value, mode="eval").body, source, seen)
            except (SyntaxError, ValueError):
                return Shape("opaque", node=node)
        return read_type(node, base, leaf, lambda part: _literal_keywords(part, source))

    def _name(self, node: ast.expr, source: Source, seen: frozenset[str]) -> Shape:
        qualified = source.qualified(node) or _builtin(node)
        module, _, name = qualified.rpartition(".")
        if (module, name) in _SCALAR_NAMES:
            return Shape("scalar", _SCALAR_NAMES[module, name])
        if self._service.named_type(qualified) is not None:
            return self._shape_of_name(qualified, seen)
        return Shape("opaque", node=node)

    def _example(self, shape: Shape, other: bool, inside: tuple[str, ...]) -> Example | None:
        match shape.kind:
            case "scalar" | "alias":
                return self._constrained(shape, {}, other, inside)
            case "literal":
                return chosen([Example(layout.value(it), (), it) for it in shape.choices], other=other)
            case "enum":
                return chosen([member(shape, name) for name in shape.rules], other=other)
            case "optional":
                return self._example(shape.inner, other, inside)
            case "list" | "set" | "dict":
                return self._several(shape, 1, other, inside)
            case "model":
                if shape.name in inside:
                    return None  # a model that needs one of itself
                return self._model_of(shape.name, self.fields(shape.name), other, (*inside, shape.name))
        return None

    def _model_of(
        self, qualified: str, fields: Sequence[Field], other: bool, inside: tuple[str, ...]
    ) -> Example | None:
        module, _, name = qualified.rpartition(".")
        arguments: list[Item] = []
        imports: list[Import] = [(module, name)]
        data: dict[str, Any] = {}
        for item in fields:
            if item.optional:
                continue
            part = self._example(item.shape, other, inside)
            if part is None:
                return None
            arguments.append(Item(part.code, f"{item.name}="))
            imports += part.imports
            data[item.wire] = part.json
        return Example(layout.call(name, arguments), tuple(imports), data)

    def _several(self, shape: Shape, length: int, other: bool, inside: tuple[str, ...]) -> Example | None:
        """A list, a set or a dict; of a set no more is known than two different items, of a dict one."""
        item = self._example(shape.inner, other, inside)
        most = {"list": length, "set": 2 if shape.inner.is_hashable else -1, "dict": 1}[shape.kind]
        if item is None or length > most:
            return None
        if shape.kind == "dict":
            return Example(_keyed(item.code), item.imports, {"example": item.json}) if length else Example("{}", (), {})
        items = [item] * length
        if shape.kind == "set" and length == 2:
            second = self._example(shape.inner, not other, inside)
            if second is None:
                return None
            items = [item, second]
        mark = "{}" if shape.kind == "set" else "[]"
        code = layout.group(mark[0], [Item(it.code) for it in items], mark[1]) if items or mark == "[]" else "set()"
        return Example(code, tuple(one for it in items for one in it.imports), [it.json for it in items])

    def _constrained(
        self, shape: Shape, rules: Mapping[str, Any], other: bool, inside: tuple[str, ...]
    ) -> Example | None:
        if shape.kind == "alias":
            if shape.of is None:
                return None
            return self._constrained(shape.of, {**shape.rules, **rules}, other, inside)
        examples = rules.get("examples")
        if examples and isinstance(examples, list | tuple):
            value = examples[-1] if other else examples[0]
            return Example(layout.value(value), (), value) if shape.is_json_native and is_json(value) else None
        if shape.kind == "optional":
            return self._constrained(shape.inner, rules, other, inside)
        if shape.kind in ("list", "set", "dict"):
            bounds = lengths(rules)
            return bounds and self._several(shape, max(bounds[0], min(1, bounds[1])), other, inside)
        if shape.kind != "scalar":
            return self._example(shape, other, inside)
        return example_of_scalar(shape.name, rules, other=other)


def declaration(field: Field, bind: Callable[[str, str | None], str], kind: str | None = None) -> str:
    """A field from the command line as a line of a model's body; *bind* says how an imported name is written there.

    ``kind`` is its type as code, where its shape does not say it.
    """
    options = {"alias": field.wire} if field.has_alias else {}
    kind = _with_options(kind, bind, options) if kind else _annotated(field.shape, bind, options)
    default = field.value
    if default is None:
        return f"{field.name}: {kind}"
    code = layout.render(default.code)
    for module, name in default.imports:
        code = _renamed(code, name or "", bind(module, name))
    return f"{field.name}: {kind} = {code}"


def annotation(shape: Shape, bind: Callable[[str, str | None], str]) -> str:
    """A shape from the command line as an annotation; *bind* says how an imported name is written there."""
    return _annotated(shape, bind, {})


def _annotated(shape: Shape, bind: Callable[[str, str | None], str], options: Mapping[str, Any]) -> str:
    """An annotation, with *options* of pydantic's `Field`."""
    if shape.kind == "alias" and not shape.name:
        return _annotated(shape.inner, bind, {**options, **shape.rules})
    match shape.kind:
        case "list" | "set":
            kind = f"{shape.kind}[{annotation(shape.inner, bind)}]"
        case "dict":
            kind = f"dict[str, {annotation(shape.inner, bind)}]"
        case "optional":
            kind = f"{annotation(shape.inner, bind)} | None"
        case "literal":
            kind = f"{bind('!typing', 'Literal')}[{', '.join(layout.render(layout.value(it)) for it in shape.choices)}]"
        case "scalar":
            module, name = SCALARS[shape.name]
            kind = bind(module, name) if module else name
        case _:
            module, _, name = shape.name.rpartition(".")
            kind = bind(module, name)
    return _with_options(kind, bind, options)


def _with_options(kind: str, bind: Callable[[str, str | None], str], options: Mapping[str, Any]) -> str:
    """A type as code, with *options* of pydantic's `Field`."""
    if not options:
        return kind
    written = [f"{name}={_option(value, bind)}" for name, value in options.items()]
    return f"{bind('!typing', 'Annotated')}[{kind}, {bind('!pydantic', 'Field')}({', '.join(written)})]"


def _option(value: Any, bind: Callable[[str, str | None], str]) -> str:
    if isinstance(value, Decimal):
        return f'{bind("!decimal", "Decimal")}("{value}")'
    return layout.render(layout.value(value))


def _renamed(code: str, name: str, local: str) -> str:
    """Code with another name for what it imports."""
    return code if local == name else re.sub(rf"(?<![\w\"']){name}\b", local, code)


def _plain(shape: Shape) -> Shape:
    """Without the names and constraints that types of the same values may have."""
    if shape.kind == "alias" and shape.of is not None:
        return _plain(shape.of)
    if shape.of is not None:
        return Shape(shape.kind, shape.name, of=_plain(shape.of))
    return shape


def same_values(one: Shape, other: Shape) -> bool:
    """Whether two types hold the same values, but for their constraints."""
    return _plain(one) == _plain(other)


def implies(given: Shape, wanted: Shape) -> bool:
    """Whether the constraints that are known of one type hold all those of another, whose values are the same."""
    has: dict[str, Any] = {}
    known: set[str] = set()
    while given.kind == "alias" and given.of is not None:
        known |= {given.name} - {""}
        has, given = {**given.rules, **has}, given.of
    needs: dict[str, Any] = {}
    while wanted.kind == "alias" and wanted.of is not None and wanted.name not in known:
        needs, wanted = {**wanted.rules, **needs}, wanted.of
    if wanted.name and wanted.name in known:
        wanted = given
    if not all(_is_narrower(rule, has, bound) for rule, bound in needs.items() if rule not in _NO_CONSTRAINTS):
        return False
    if wanted.kind == "optional" and given.kind != "optional":
        return implies(Shape("alias", of=given, rules=has), wanted.inner)
    return given.of is None or wanted.of is None or implies(given.of, wanted.of)


def narrowed(given: Shape, wanted: Shape) -> Shape | None:
    """The type of the same values that every call can take which takes *wanted*; None where it cannot be written.

    A type with a name of its own comes by that; other constraints are written out.
    """
    if given.kind == "optional":
        inner = narrowed(given.inner, wanted.inner if wanted.kind == "optional" else wanted)
        return inner and Shape("optional", of=inner)
    if wanted.kind == "optional":
        return narrowed(given, wanted.inner)
    if not implies(wanted, given):
        return None  # each has a constraint that the other has not
    if wanted.kind != "alias" or wanted.of is None or _has_name(wanted):
        return wanted if _can_be_written(wanted) else None
    rules = {rule: bound for rule, bound in wanted.rules.items() if rule not in _NO_CONSTRAINTS}
    below = narrowed(_plain(wanted.of), wanted.of)
    if below is None or _UNKNOWN in rules:
        return None
    return Shape("alias", of=below, rules=rules) if rules else below


def _has_name(alias: Shape) -> bool:
    return bool(alias.name) and "[" not in alias.name


def _can_be_written(shape: Shape) -> bool:
    """Whether `annotation` can write it: what has constraints in place that were read from code it cannot."""
    if shape.kind == "alias" and shape.name:
        return _has_name(shape)
    return shape.of is None or _can_be_written(shape.of)


def _is_narrower(rule: str, has: Mapping[str, Any], bound: Any) -> bool:
    """Whether constraints leave no value that breaks another."""
    if not is_number(bound):
        return bool(has.get(rule) == bound)
    lower = [(Decimal(str(has[it])), it == "gt") for it in ("ge", "gt", "min_length") if is_number(has.get(it))]
    upper = [(Decimal(str(has[it])), it == "lt") for it in ("le", "lt", "max_length") if is_number(has.get(it))]
    limit = Decimal(str(bound))
    match rule:
        case "ge" | "min_length":
            return (rule == "min_length" and limit <= 0) or any(low >= limit for low, _ in lower)
        case "gt":
            return any(low > limit or (low == limit and is_open) for low, is_open in lower)
        case "le" | "max_length":
            return any(high <= limit for high, _ in upper)
        case "lt":
            return any(high < limit or (high == limit and is_open) for high, is_open in upper)
    return bool(has.get(rule) == bound)


def _keyed(item: Code) -> Code:
    return layout.group("{", [Item(item, '"example": ')], "}")


def _builtin(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _literal_keywords(node: ast.expr, source: Source) -> dict[str, Any]:
    """The literal keyword arguments of a constraint such as ``Field(ge=1)``.

    What is no literal, and any other constraint, is kept as text under a name that no constraint has: it is there.
    """
    if not isinstance(node, ast.Call) or source.qualified(node.func) not in _CONSTRAINTS:
        return {} if isinstance(node, ast.Constant) else {_UNKNOWN: ast.unparse(node)}
    found: dict[str, Any] = {_UNKNOWN: ast.unparse(node)} if node.args and _is_length(node, source) else {}
    for item in node.keywords:
        if item.arg is None:
            continue
        try:
            value = _literal(item.value, source)
        except (ValueError, TypeError, ArithmeticError):
            if item.arg not in _NO_CONSTRAINTS:
                found[_UNKNOWN] = ast.unparse(node)
            continue
        if value is not None:
            found[item.arg] = value
    return found


def _is_length(node: ast.Call, source: Source) -> bool:
    return source.qualified(node.func) == "!annotated_types.Len"


def _literal(node: ast.expr, source: Source) -> Any:
    """The value of a literal, or of a Decimal of one."""
    if isinstance(node, ast.Call) and len(node.args) == 1 and source.qualified(node.func) == "!decimal.Decimal":
        return Decimal(str(ast.literal_eval(node.args[0])))
    return ast.literal_eval(node)


def _members(enumeration: Alias) -> dict[str, Any]:
    """The members of an enumeration with their values, as far as JSON has these; none where one is computed."""
    assert isinstance(enumeration.node, ast.ClassDef)
    is_text = any("StrEnum" in ast.unparse(base) for base in enumeration.node.bases)
    found: dict[str, Any] = {}
    for statement in enumeration.node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str() | int() as value)):
                found[name] = value
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function, args=[])) if (
                ast.unparse(function).rpartition(".")[2] == "auto"
            ):
                found[name] = name.lower() if is_text else len(found) + 1
            case ast.Assign():
                return {}
    return found


def _rules_of_default(default: ast.expr | None, source: Source) -> tuple[dict[str, Any], bool]:
    """What ``= Field(…)`` says: its constraints, and whether the field may be left out."""
    if default is None:
        return {}, False
    if not isinstance(default, ast.Call) or source.qualified(default.func) != "!pydantic.Field":
        return {}, True
    given = {item.arg for item in default.keywords}
    positional = bool(default.args) and not (
        isinstance(default.args[0], ast.Constant) and default.args[0].value is Ellipsis
    )
    rules = _literal_keywords(default, source)
    rules.pop("default", None)
    return rules, positional or bool(given & {"default", "default_factory"})
