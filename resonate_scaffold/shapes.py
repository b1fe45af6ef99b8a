"""The types of a service's contracts: resolved from their annotations, and examples of them.

An example is what a generated test sends and what a function that has no business in it yet returns. It obeys the
constraints that stand in the annotation as literals.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import Unknown, UsageError
from resonate_scaffold.fields import SCALARS, Field, Shape, closest
from resonate_scaffold.layout import Code, Item
from resonate_scaffold.service.service import Service
from resonate_scaffold.service.types import ModelType

Import = tuple[str, str | None]

_CODE: Mapping[str, tuple[str, str, tuple[Import, ...], Any, Any]] = {
    # scalar: code, other code, imports, JSON, other JSON
    "float": ("1.5", "2.5", (), 1.5, 2.5),
    "bool": ("True", "False", (), True, False),
    "date": ("date(2026, 1, 31)", "date(2026, 2, 28)", (("!datetime", "date"),), "2026-01-31", "2026-02-28"),
    "datetime": (
        "datetime(2026, 1, 31, 12, tzinfo=UTC)",
        "datetime(2026, 2, 28, 12, tzinfo=UTC)",
        (("!datetime", "UTC"), ("!datetime", "datetime")),
        "2026-01-31T12:00:00Z",
        "2026-02-28T12:00:00Z",
    ),
    "Decimal": ('Decimal("1.50")', 'Decimal("2.50")', (("!decimal", "Decimal"),), "1.50", "2.50"),
    "UUID": (
        'UUID("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11")',
        'UUID("0b8ddfb0-7c3f-4a0e-8a75-2f0b1f7c9d22")',
        (("!uuid", "UUID"),),
        "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11",
        "0b8ddfb0-7c3f-4a0e-8a75-2f0b1f7c9d22",
    ),
}
_LONGEST = 1000  # of the texts and lists in examples
_LARGEST = 10**15  # of their numbers: a float has each of these
_TEXTS = (
    *("example", "another", "a", "b", "example-1", "1", "2", "12345", "67890", "A", "B", "EXAMPLE", "USD", "EUR"),
    *("ada@example.com", "grace@example.com", "https://example.com", "https://example.org", "2026-01-31"),
    *("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11", "0b8ddfb0-7c3f-4a0e-8a75-2f0b1f7c9d22", "+4930123456"),
)
_SCALAR_NAMES = {
    **{(module or "", name): scalar for scalar, (module, name) in SCALARS.items()},
    ("!datetime", "datetime"): "datetime",
}
_CONSTRAINTS = frozenset({"!pydantic.Field", "!pydantic.StringConstraints", "!annotated_types.Len"})


@dataclass(frozen=True, slots=True)
class Example:
    """A value: as code, with what the code needs imported, and as JSON."""

    code: Code
    imports: tuple[Import, ...]
    json: Any


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
            raise UsageError(f"Several contracts have a type {name}", f"Say which: {choices}")
        if not found:
            short = [it.name for it in self._service.types]
            hint = f"{' '.join(SCALARS)} list[T] dict[str, T] T?, or a model of the contracts. {closest(name, short)}"
            raise UsageError(f"There is no type {name}", hint)
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

    def fits(self, given: Shape, wanted: Shape) -> bool:
        """Whether a value of one type does for the other: by their types, and by the constraints as an example has it.

        A caller's text may break a constraint that only the callee has; then the call fails, as it should.
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
        example = self.example(given)
        return example is not None and _accepts(wanted, example.json, {})

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
            if rules:
                shape = Shape("alias", f"{model.name}.{item.name}", of=shape, rules=rules)
            yield Field(item.name, shape, optional, item.annotation, item.default, source)

    def _shape_of_name(self, qualified: str, seen: frozenset[str] = frozenset()) -> Shape:
        alias = self._service.named_type(qualified)
        if isinstance(alias, ModelType):
            return Shape("model", qualified)
        assert alias is not None  # whoever calls this has found it
        if qualified in seen or not isinstance(alias.node, ast.expr):
            return Shape("alias", qualified)
        source = self._source(alias.module)
        return Shape("alias", qualified, of=self._shape(alias.node, source, seen | {qualified}))

    def _shape(self, node: ast.expr, source: Source, seen: frozenset[str]) -> Shape:
        match node:
            case ast.Constant(value=str(text)):
                try:
                    return self._shape(ast.parse(text, mode="eval").body, source, seen)
                except (SyntaxError, ValueError):
                    return Shape("opaque", node=node)
            case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
                return Shape("optional", of=self._shape(left, source, seen))
            case ast.BinOp(left=ast.Constant(value=None), op=ast.BitOr(), right=right):
                return Shape("optional", of=self._shape(right, source, seen))
            case ast.Subscript(value=base, slice=inside):
                return self._subscript(node, source.qualified(base) or _builtin(base), inside, source, seen)
            case ast.Name() | ast.Attribute():
                return self._name(node, source, seen)
        return Shape("opaque", node=node)

    def _name(self, node: ast.expr, source: Source, seen: frozenset[str]) -> Shape:
        qualified = source.qualified(node) or _builtin(node)
        module, _, name = qualified.rpartition(".")
        if (module, name) in _SCALAR_NAMES:
            return Shape("scalar", _SCALAR_NAMES[module, name])
        if self._service.named_type(qualified) is not None:
            return self._shape_of_name(qualified, seen)
        return Shape("opaque", node=node)

    def _subscript(self, node: ast.expr, base: str, inside: ast.expr, source: Source, seen: frozenset[str]) -> Shape:
        items = inside.elts if isinstance(inside, ast.Tuple) else [inside]
        match base, items:
            case "list" | "!typing.List", [item]:
                return Shape("list", of=self._shape(item, source, seen))
            case "dict" | "!typing.Dict", [ast.Name(id="str"), item]:
                return Shape("dict", of=self._shape(item, source, seen))
            case "!typing.Optional", [item]:
                return Shape("optional", of=self._shape(item, source, seen))
            case "!typing.Literal", [ast.Constant(), *_]:
                return Shape("literal", ast.unparse(node), node=node)
            case "!typing.Annotated", [item, *metadata]:
                rules: dict[str, Any] = {}
                for part in metadata:
                    rules |= _literal_keywords(part, source)
                return Shape("alias", ast.unparse(node), of=self._shape(item, source, seen), rules=rules)
        return Shape("opaque", node=node)

    def _example(self, shape: Shape, other: bool, inside: tuple[str, ...]) -> Example | None:
        match shape.kind:
            case "scalar" | "alias":
                return self._constrained(shape, {}, other, inside)
            case "literal":
                return _literal_example(shape, other)
            case "optional":
                return self._example(shape.inner, other, inside)
            case "list":
                return self._list(shape, 1, other, inside)
            case "dict":
                item = self._example(shape.inner, other, inside)
                return item and Example(_keyed(item.code), item.imports, {"example": item.json})
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
            data[item.name] = part.json
        return Example(layout.call(name, arguments), tuple(imports), data)

    def _list(self, shape: Shape, length: int, other: bool, inside: tuple[str, ...]) -> Example | None:
        item = self._example(shape.inner, other, inside)
        if item is None:
            return None
        return Example(layout.group("[", [Item(item.code)] * length, "]"), item.imports, [item.json] * length)

    def _constrained(
        self, shape: Shape, rules: Mapping[str, Any], other: bool, inside: tuple[str, ...]
    ) -> Example | None:
        if shape.kind == "alias":
            if shape.of is None:
                return None
            return self._constrained(shape.of, {**shape.rules, **rules}, other, inside)
        choices = rules.get("examples")
        if choices and isinstance(choices, list | tuple):
            chosen = choices[-1] if other else choices[0]
            return Example(layout.value(chosen), (), chosen) if shape.is_json_native and _is_json(chosen) else None
        if shape.kind == "list":
            lengths = _lengths(rules)
            return lengths and self._list(shape, max(lengths[0], min(1, lengths[1])), other, inside)
        if shape.kind != "scalar":
            return self._example(shape, other, inside)
        if shape.name == "str":
            texts = [text for text in _candidate_texts(rules) if _text_fits(text, rules)]
            return _chosen([(layout.text(text), text) for text in texts], other)
        if shape.name == "int":
            numbers = [number for number in _candidate_numbers(rules) if _number_fits(number, rules)]
            return _chosen([(repr(number), number) for number in numbers], other)
        if shape.name in ("float", "Decimal") and rules.keys() & {"ge", "gt", "le", "lt", "multiple_of"}:
            numbers = [number for number in _candidate_numbers(rules) if _number_fits(number, rules)]
            if shape.name == "float":
                return _chosen([(f"{number}.0", float(number)) for number in numbers], other)
            decimals = _chosen([(f'Decimal("{number}")', str(number)) for number in numbers], other)
            return decimals and Example(decimals.code, (("!decimal", "Decimal"),), decimals.json)
        code, other_code, imports, data, other_data = _CODE[shape.name]
        return Example(other_code, imports, other_data) if other else Example(code, imports, data)


def annotation(shape: Shape, bind: Callable[[str, str | None], str]) -> str:
    """A shape from the command line as an annotation; *bind* says how an imported name is written there."""
    match shape.kind:
        case "list":
            return f"list[{annotation(shape.inner, bind)}]"
        case "dict":
            return f"dict[str, {annotation(shape.inner, bind)}]"
        case "optional":
            return f"{annotation(shape.inner, bind)} | None"
        case "scalar":
            module, name = SCALARS[shape.name]
            return bind(module, name) if module else name
        case _:
            module, _, name = shape.name.rpartition(".")
            return bind(module, name)


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


def _accepts(shape: Shape, data: Any, rules: Mapping[str, Any]) -> bool:
    """Whether JSON of the right type obeys the constraints that are known."""
    match shape.kind:
        case "alias":
            return shape.of is not None and _accepts(shape.of, data, {**shape.rules, **rules})
        case "optional":
            return data is None or _accepts(shape.inner, data, rules)
        case "list":
            shortest, longest = int(rules.get("min_length", 0)), int(rules.get("max_length", len(data)))
            return shortest <= len(data) <= longest and all(_accepts(shape.inner, item, {}) for item in data)
        case "dict":
            return all(_accepts(shape.inner, item, {}) for item in data.values())
    if isinstance(data, str) and shape.name == "str":
        return _text_fits(data, rules)
    if shape.name in ("int", "float", "Decimal"):
        return _number_fits(float(data), rules)
    return True


def _keyed(item: Code) -> Code:
    return layout.group("{", [Item(item, '"example": ')], "}")


def _builtin(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _chosen(candidates: Sequence[tuple[Code, Any]], other: bool) -> Example | None:
    if len(candidates) < (2 if other else 1):
        return None
    code, data = candidates[1 if other else 0]
    return Example(code, (), data)


def _literal_example(shape: Shape, other: bool) -> Example | None:
    assert isinstance(shape.node, ast.Subscript)
    inside = shape.node.slice
    items = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    values = [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str | int)]
    return _chosen([(layout.value(value), value) for value in values], other)


def _literal_keywords(node: ast.expr, source: Source) -> dict[str, Any]:
    """The literal keyword arguments of a constraint such as ``Field(ge=1)``; of a positional ``Len(1, 2)`` nothing."""
    if not isinstance(node, ast.Call) or source.qualified(node.func) not in _CONSTRAINTS:
        return {}
    found: dict[str, Any] = {}
    for item in node.keywords:
        try:
            value = ast.literal_eval(item.value)
        except (ValueError, TypeError):
            continue
        if item.arg is not None and value is not None:
            found[item.arg] = value
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


def _lengths(rules: Mapping[str, Any]) -> tuple[int, int] | None:
    """The least and the greatest length of an example; None where there is none that anybody would read."""
    shortest, longest = rules.get("min_length", 0), rules.get("max_length", _LONGEST)
    if not isinstance(shortest, int) or not isinstance(longest, int) or not shortest <= min(longest, _LONGEST):
        return None
    return max(shortest, 0), min(longest, _LONGEST)


def has_example_text(rules: Mapping[str, Any]) -> bool:
    """Whether a text is known that obeys these constraints."""
    examples = rules.get("examples")
    if isinstance(examples, list) and examples:
        return isinstance(examples[0], str)
    return any(_text_fits(text, rules) for text in _candidate_texts(rules))


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _candidate_texts(rules: Mapping[str, Any]) -> list[str]:
    lengths = _lengths(rules)
    if lengths is None:
        return []
    shortest, longest = lengths
    padded = [text + text[-1] * (shortest - len(text)) for text in _TEXTS]
    return list(dict.fromkeys([*_TEXTS, *padded, *(text[:longest] for text in _TEXTS)]))


def _text_fits(text: str, rules: Mapping[str, Any]) -> bool:
    lengths = _lengths(rules)
    if lengths is None or not lengths[0] <= len(text) <= lengths[1]:
        return False
    pattern = rules.get("pattern")
    if pattern is None:
        return True
    try:
        return re.search(pattern, text) is not None
    except (re.error, TypeError):
        return False


def _candidate_numbers(rules: Mapping[str, Any]) -> list[int]:
    bounds = [
        bound
        for name in ("ge", "gt", "le", "lt", "multiple_of")
        if isinstance(bound := rules.get(name), int | float) and abs(bound) <= _LARGEST
    ]
    near = [int(bound) + step for bound in bounds for step in (0, 1, -1, 2, -2)]
    return list(dict.fromkeys([1, 2, 10, 100, *near, 0]))


def _number_fits(number: float, rules: Mapping[str, Any]) -> bool:
    def holds(name: str, bound: float) -> bool:
        match name:
            case "ge":
                return number >= bound
            case "gt":
                return number > bound
            case "le":
                return number <= bound
            case "lt":
                return number < bound
            case "multiple_of":
                return bound != 0 and number % bound == 0
        return True

    return all(holds(name, bound) for name, bound in rules.items() if isinstance(bound, int | float))
