"""Contracts as a TypeScript module, with clients of what this service serves, and workers of what it calls.

The types are written here: json-schema-to-typescript and quicktype would need Node.js where this tool runs, and neither
has types for dates and decimals as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.export.contracts import REF, Contracts, FailureKind, Function, Schema
from resonate_scaffold.export.entrances import Entrance
from resonate_scaffold.templates import render_export

_FORMATS = {"date": "DateText", "date-time": "DateTimeText", "uuid": "UuidText", "decimal": "DecimalText"}
_TYPES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
# What the module calls its own things, and what it takes from the language.
_RESERVED = frozenset(
    [
        *("Contract", "Engine", "Failure", "FailureOf", "Work", *_FORMATS.values()),
        *("start", "agrees", "failureIn", "decoded", "named", "keyed", "escaped", "digest"),
        *("case", "catch", "const", "debugger", "default", "delete", "do", "enum", "export", "extends", "false"),
        *("function", "instanceof", "new", "null", "super", "switch", "this", "throw", "true", "typeof", "var", "void"),
        *("Array", "Boolean", "Buffer", "Date", "Error", "Number", "Object", "Promise", "Record", "Resonate", "String"),
    ]
)
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
# Formats of texts of which there is one for each value: what an id is made of.
_IN_IDS = {None: "", "date": "", "uuid": ".toLowerCase()"}


def module_of(contracts: Contracts) -> PurePosixPath:
    """The file of the module that both sides share."""
    return PurePosixPath(f"{contracts.service}.ts")


def render(contracts: Contracts, entrances: Mapping[str, Entrance]) -> str:
    """The module: types, contracts, and a client function for each workflow."""
    schemas = (schema for function in contracts.functions for schema in function.schemas)
    types = [_declaration(name, schema) for name, schema in contracts.reachable(schemas).items()]
    starts = [
        _start(contracts, it, entrances.get(it.name, Entrance(it.name)))
        for it in contracts.functions
        if it.is_ours and it.group.rpartition(".")[2] == "workers"
    ]
    context = {
        "service": contracts.service,
        "namespace": json.dumps(contracts.namespace),
        "types": types,
        "functions": [_described(function) for function in contracts.functions],
        "starts": starts,
    }
    return render_export("contracts.ts", context)


def workers(contracts: Contracts) -> Iterator[tuple[PurePosixPath, str]]:
    """A worker to fill in for each group that another team serves."""
    for group in sorted({it.group for it in contracts.functions if not it.is_ours}):
        functions = [it for it in contracts.functions if it.group == group]
        names = [_described(function) for function in functions]
        types = sorted({type_of(schema) for it in functions for schema in (it.request, it.result)})
        imports = ["Failure", *sorted(it["constant"] for it in names), *(f"type {name}" for name in types)]
        context = {"service": contracts.service, "group": group, "functions": names, "imports": imports}
        yield PurePosixPath(f"worker-{group}.ts"), render_export("worker.ts", context)


def _described(function: Function) -> dict[str, Any]:
    pascal = _pascal(function.spelled)
    constant = pascal[0].lower() + pascal[1:]
    return {
        "spelled": function.spelled,
        "constant": f"{constant}Function" if constant in _RESERVED else constant,
        "pascal": pascal,
        "request": type_of(function.request),
        "result": type_of(function.result),
        "failures": [_failure(kind) for kind in function.failures],
        "is_ours": function.is_ours,
        "version": function.version,
        "timeout": round(function.timeout * 1000),
        **{key: json.dumps(value) for key, value in (("name", function.name), ("group", function.group))},
        "target": json.dumps(function.target),
    }


def _failure(kind: FailureKind) -> str:
    fields = "Record<string, never>" if kind.fields is None else type_of(kind.fields)
    return f"FailureOf<{json.dumps(kind.code)}, {kind.status}, {fields}>"


def _start(contracts: Contracts, function: Function, entrance: Entrance) -> dict[str, Any]:
    """A client function; ``key`` is what of the request names the work, None where the caller does."""
    found = _described(function)
    request = contracts.definitions[str(function.request["$ref"]).removeprefix(REF)]
    fields = [_in_id(name, request) for name in entrance.fields]
    key = None
    if entrance.fields and None not in fields:
        key = f"keyed({json.dumps(entrance.kind)}, [{', '.join(filter(None, fields))}])"
    return {**found, "kind": json.dumps(entrance.kind), "key": key, "is_keyed": bool(entrance.fields)}


def _in_id(name: str, request: Schema) -> str | None:
    """The code of a field of the request as an id has it; None where several texts mean one value."""
    schema = request.get("properties", {}).get(name, {})
    if name not in request.get("required", ()):
        return None
    match schema.get("type"):
        case "string" if schema.get("format") in _IN_IDS:
            return f"request{_member(name)}{_IN_IDS[schema.get('format')]}"
        case "integer" | "boolean":
            return f"String(request{_member(name)})"
    return None


def _member(name: str) -> str:
    return f".{name}" if _NAME.fullmatch(name) else f"[{json.dumps(name)}]"


def _declaration(name: str, schema: Schema) -> str:
    """The definition of a model, or of another named type."""
    comment = _comment(schema.get("description"))
    if schema.get("type") == "object" and "properties" in schema and "additionalProperties" not in schema:
        return f"{comment}export interface {_type_name(name)} {_object(schema, 0)}"
    if schema.get("type") == "object" and not schema.get("properties") and "additionalProperties" not in schema:
        return f"{comment}export type {_type_name(name)} = Record<string, never>;"
    return f"{comment}export type {_type_name(name)} = {type_of(schema)};"


def _object(schema: Schema, indent: int) -> str:
    required = schema.get("required", ())
    margin = " " * (indent + 2)
    lines = []
    for name, part in schema["properties"].items():
        spelled = name if _NAME.fullmatch(name) else json.dumps(name)
        optional = "" if name in required else "?"
        comment = _comment(part.get("description"), margin)
        lines.append(f"{comment}{margin}{spelled}{optional}: {type_of(part, indent + 2)};")
    return "\n".join(["{", *lines, " " * indent + "}"])


def type_of(schema: Any, indent: int = 0) -> str:
    """A schema as a type. What no type can say (bounds, patterns) is left to whoever reads the value."""
    match schema:
        case {"$ref": str(ref)}:
            return _type_name(ref.removeprefix(REF))
        case {"const": value}:
            return json.dumps(value)
        case {"enum": [*values]}:
            return _union([json.dumps(value) for value in values])
        case {"anyOf": [*ways]} | {"oneOf": [*ways]}:
            return _union([type_of(way, indent) for way in ways])
        case {"allOf": [*parts]}:
            return " & ".join(_grouped(type_of(part, indent)) for part in parts)
        case {"type": [*kinds]}:
            return _union([type_of({**schema, "type": kind}, indent) for kind in kinds])
        case {"type": "string", "format": str(form)} if form in _FORMATS:
            return _FORMATS[form]
        case {"type": "array", "prefixItems": [*items]}:
            return f"[{', '.join(type_of(item, indent) for item in items)}]"
        case {"type": "array"}:
            return f"{_grouped(type_of(schema.get('items', {}), indent))}[]"
        case {"type": "object", "properties": dict(properties)} if properties:
            return _object(schema, indent)
        case {"type": "object"}:
            return f"Record<string, {type_of(schema.get('additionalProperties', {}), indent)}>"
        case {"type": str(kind)}:
            return _TYPES.get(kind, "unknown")
    return "unknown"


def _union(types: Sequence[str]) -> str:
    return " | ".join(dict.fromkeys(types))


def _grouped(text: str) -> str:
    return f"({text})" if " | " in text or " & " in text else text


def _type_name(name: str) -> str:
    """A definition's name as TypeScript has it: pydantic tells models of one name apart by their modules."""
    plain = _pascal(name)
    return f"{plain}Model" if plain in _RESERVED else plain


def _pascal(name: str) -> str:
    """A name for code: ``PaymentsCharge``, ``PlaceOrder2``."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


def _comment(text: str | None, margin: str = "") -> str:
    """The first paragraph of a description, as a comment."""
    if not text:
        return ""
    first = " ".join(text.strip().partition("\n\n")[0].split()).replace("*/", "*\\/")
    return f"{margin}/** {first} */\n"
