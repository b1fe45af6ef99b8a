"""From JSON to typed values, as JSON has them: a strict model takes a date from a text, and no number is rounded.

Of what a JSON parser has made a strict model refuses every date, UUID, enum, Decimal, set and tuple; and pydantic's own
parser makes each number a float before a Decimal is made of it.

One rule of strictness: the model that a value is read as decides it for all models in it. The body of a request says
``extra="forbid", strict=True``, so nothing in it is converted or dropped, at any depth. A contract says neither: what a
durable call carries may come from a neighbouring release, with a field that this one does not know.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from math import isfinite
from typing import Any

from pydantic import BaseModel, TypeAdapter

type _Schema = Mapping[str, Any]


class SpelledInteger(int):
    """A whole number that has a point or an exponent, such as 100.00 or 1e2. JSON knows no other integers."""

    text: str


class SpelledFloat(float):
    """A number, with its digits as they were sent."""

    text: str


def number(text: str) -> SpelledInteger | SpelledFloat:
    """A number with a point or an exponent.

    Raises:
        ValueError: it is beyond 64 bits.
    """
    if not isfinite(rounded := float(text)):
        raise ValueError("a number is beyond 64 bits")
    found: SpelledInteger | SpelledFloat = SpelledFloat(rounded)
    if abs(rounded) < 2**63:
        try:
            exact = Decimal(text)
            if exact == (whole := int(exact)) and -(2**63) <= whole < 2**63:
                found = SpelledInteger(whole)
        except InvalidOperation:  # An exponent that a Decimal has not; as a float it is 0.
            pass
    found.text = text
    return found


class JsonAdapter:
    """Validates what JSON holds; stands in for the type adapter of a FastAPI body."""

    def __init__(self, adapter: TypeAdapter[Any]) -> None:
        self._adapter = adapter
        schema: _Schema = adapter.core_schema
        self._has_decimals = any(part["type"] == "decimal" for part in _parts(schema))
        self._rules = _rules_of(schema)

    def validate_python(self, value: Any, **options: Any) -> Any:
        """The typed value; ``options`` are of no meaning to JSON.

        Raises:
            ValidationError: it does not fit.
        """
        if self._has_decimals:
            schema: _Schema = self._adapter.core_schema
            value = _with_exact_decimals(value, schema, {})
        return self._adapter.validate_json(json.dumps(value), **self._rules)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # such as what `copy` looks for, before there is an adapter
            raise AttributeError(name)
        return getattr(self._adapter, name)


def _rules_of(schema: _Schema) -> dict[str, Any]:
    """How strict the model is, as the arguments of a validation: so are all models in it, whatever they say of
    themselves.
    """
    definitions = {part["ref"]: part for part in schema["definitions"]} if schema["type"] == "definitions" else {}
    if definitions:
        schema = schema["schema"]
    if schema["type"] == "definition-ref":
        schema = definitions[schema["schema_ref"]]
    model = schema.get("cls")
    config = model.model_config if isinstance(model, type) and issubclass(model, BaseModel) else {}
    strict, extra = config.get("strict"), config.get("extra")
    return {**({"strict": strict} if strict is not None else {}), **({"extra": extra} if extra is not None else {})}


def validate[M: BaseModel](model: type[M], value: Any) -> M:
    """The model that a JSON value is, as a body or the engine holds it.

    Raises:
        ValidationError: it does not fit.
    """
    validated: M = _adapter(model).validate_python(value)
    return validated


@cache
def _adapter(model: type[BaseModel]) -> JsonAdapter:
    return JsonAdapter(TypeAdapter(model))


def _with_exact_decimals(value: Any, schema: _Schema, definitions: dict[str, _Schema]) -> Any:
    """The value with the numbers for Decimals as texts, which pydantic reads exactly. ``schema`` is pydantic's own."""

    def below(item: Any, inner: _Schema) -> Any:
        return _with_exact_decimals(item, inner, definitions)

    match schema["type"]:
        case "decimal" if isinstance(value, SpelledInteger | SpelledFloat):
            return value.text
        case "definitions":
            definitions = definitions | {part["ref"]: part for part in schema["definitions"]}
            return _with_exact_decimals(value, schema["schema"], definitions)
        case "definition-ref":
            return below(value, definitions[schema["schema_ref"]])
        case "model-fields" | "typed-dict" if isinstance(value, dict):
            by_name = {name: field for known, field in schema["fields"].items() for name in _names(known, field)}
            extra = schema.get("extras_schema")
            return {name: below(item, by_name.get(name, extra) or _ANY) for name, item in value.items()}
        case "dataclass-args" if isinstance(value, dict):
            by_name = {name: field for field in schema["fields"] for name in _names(field["name"], field)}
            return {name: below(item, by_name.get(name, _ANY)) for name, item in value.items()}
        case "dict" if isinstance(value, dict):
            return {name: below(item, schema.get("values_schema", _ANY)) for name, item in value.items()}
        case "list" | "set" | "frozenset" | "generator" if isinstance(value, list):
            return [below(item, schema.get("items_schema", _ANY)) for item in value]
        case "tuple" if isinstance(value, list):
            parts = schema["items_schema"]
            rest = parts[-1] if "variadic_item_index" in schema else _ANY
            return [below(item, parts[index] if index < len(parts) else rest) for index, item in enumerate(value)]
        case "union" | "tagged-union" | "chain":
            for part in _inner(schema):
                value = below(value, part)
            return value
        case "json-or-python":
            return below(value, schema["json_schema"])
        case "lax-or-strict":
            return below(value, schema["lax_schema"])
        case _:
            return below(value, schema["schema"]) if isinstance(schema.get("schema"), dict) else value


_ANY: _Schema = {"type": "any"}


def _names(name: str, field: _Schema) -> Iterator[str]:
    """What a field may be called in JSON."""
    yield name
    alias = field.get("validation_alias")
    for spelling in alias if isinstance(alias, list) else [alias]:
        path = spelling if isinstance(spelling, list) else [spelling]
        if len(path) == 1 and isinstance(path[0], str):
            yield path[0]


def _inner(schema: _Schema) -> Iterator[_Schema]:
    """The alternatives of a union, or the steps of a chain."""
    parts = schema.get("choices") or schema["steps"]
    for part in parts.values() if isinstance(parts, dict) else parts:
        yield part[0] if isinstance(part, tuple) else part


def _parts(schema: Any) -> Iterator[_Schema]:
    """Everything with a type in a schema."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("type"), str):
            yield schema
        schema = schema.values()
    elif not isinstance(schema, list | tuple):
        return
    for part in schema:
        yield from _parts(part)
