"""The contracts of a service, as its own command `contracts --json` prints them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

type Schema = Mapping[str, Any]

REF = "#/$defs/"
_INPUT, _OUTPUT = "-Input", "-Output"


@dataclass(frozen=True, slots=True)
class FailureKind:
    """A kind of failure: ``fields`` is the schema of its attributes, None where it has none."""

    code: str
    status: int
    fields: Schema | None


@dataclass(frozen=True, slots=True)
class Function:
    """A durable function: ``timeout`` is in seconds, ``request`` and ``result`` are schemas."""

    name: str
    version: int
    group: str
    target: str
    is_ours: bool
    timeout: float
    request: Schema
    result: Schema
    failures: tuple[FailureKind, ...]

    @property
    def spelled(self) -> str:
        """Its name, with its version unless that is the first."""
        return self.name if self.version == 1 else f"{self.name}@{self.version}"

    @property
    def schemas(self) -> Iterator[Schema]:
        """Every schema that it refers to."""
        yield self.request
        yield self.result
        yield from (kind.fields for kind in self.failures if kind.fields is not None)


@dataclass(frozen=True, slots=True)
class Contracts:
    """All contracts of a service: ``definitions`` are the schemas of its models, by name."""

    service: str
    namespace: str
    functions: tuple[Function, ...]
    definitions: Mapping[str, Schema]

    def reachable(self, schemas: Iterator[Schema]) -> dict[str, Schema]:
        """The definitions that these schemas refer to, directly or through others; sorted."""
        found: dict[str, Schema] = {}
        open_ = [name for schema in schemas for name in _names_in(schema)]
        while open_:
            name = open_.pop()
            if name not in found:
                found[name] = self.definitions[name]
                open_ += _names_in(found[name])
        return dict(sorted(found.items()))


def parse(text: str) -> Contracts:
    """Read what the command prints.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    data = _with_one_name_each(json.loads(text))
    return Contracts(
        service=data["service"],
        namespace=data["namespace"],
        functions=tuple(_function(entry) for entry in data["functions"]),
        definitions=data["$defs"],
    )


def _function(entry: Mapping[str, Any]) -> Function:
    failures = tuple(FailureKind(kind["code"], kind["status"], kind["fields"]) for kind in entry["failures"])
    return Function(**{**{it.name: entry[it.name] for it in fields(Function)}, "failures": failures})


def _names_in(schema: Any) -> list[str]:
    """The definitions that a schema refers to."""
    match schema:
        case {"$ref": str(ref)}:
            return [ref.removeprefix(REF)]
        case dict():
            return [name for part in schema.values() for name in _names_in(part)]
        case list():
            return [name for part in schema for name in _names_in(part)]
    return []


def _with_one_name_each(data: Any) -> Any:
    """Give a model one name that pydantic names twice, as it is read and as it is written, where both are equal."""
    definitions: dict[str, Schema] = data["$defs"]
    twice = {name.removesuffix(_INPUT) for name in definitions if name.endswith(_INPUT)}
    same = {name for name in twice if name + _OUTPUT in definitions and name not in definitions}

    def merged(part: Any) -> Any:
        match part:
            case {"$ref": str(ref)}:
                name = ref.removeprefix(REF)
                plain = name.removesuffix(_INPUT).removesuffix(_OUTPUT)
                return {**part, "$ref": REF + (plain if plain in same else name)}
            case dict():
                return {key: merged(value) for key, value in part.items()}
            case list():
                return [merged(value) for value in part]
        return part

    # Those that differ tell apart, in the next round, those that refer to them.
    while different := {n for n in same if merged(definitions[n + _INPUT]) != merged(definitions[n + _OUTPUT])}:
        same -= different
    plain = {f"{name}{mode}": name for name in same for mode in (_INPUT, _OUTPUT)}
    named = {plain.get(name, name): merged(schema) for name, schema in definitions.items()}
    return {**merged(data), "$defs": named}
