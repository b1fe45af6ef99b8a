"""Contracts as JSON Schema: a document for each durable function."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.export.contracts import Contracts, FailureKind, Function

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ABOUT = "x-resonate"
"""The keyword that says how the function is called: name, version, group, target."""


def render(contracts: Contracts) -> Iterator[tuple[PurePosixPath, str]]:
    """A file for each function, and its text."""
    for function in contracts.functions:
        text = json.dumps(document(contracts, function), indent=2, ensure_ascii=False)
        yield PurePosixPath(f"{function.spelled}.json"), f"{text}\n"


def document(contracts: Contracts, function: Function) -> dict[str, Any]:
    """One function: its properties are what is sent in either direction."""
    properties: dict[str, Any] = {"request": function.request, "result": function.result}
    if function.failures:
        properties["failure"] = {"anyOf": [_failure(kind) for kind in function.failures]}
    return {
        "$schema": DIALECT,
        "title": function.spelled,
        "description": "A durable function: the one argument of a call, what it answers, and how it fails, as JSON.",
        ABOUT: {
            "service": contracts.service,
            "name": function.name,
            "version": function.version,
            "group": function.group,
            "target": function.target,
        },
        "type": "object",
        "properties": properties,
        "$defs": contracts.reachable(function.schemas),
    }


def _failure(kind: FailureKind) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "code": {"const": kind.code},
        "status": {"const": kind.status},
        "message": {"type": "string"},
    }
    if kind.fields is not None:
        properties["fields"] = kind.fields
    return {"type": "object", "properties": properties, "required": list(properties)}
