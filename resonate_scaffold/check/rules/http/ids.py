"""RS408 and RS410: ids that an engine refuses, and searches that most engines do not have."""

from __future__ import annotations

from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.values import Client, Method


def colons(model: Model) -> Iterator[Finding]:
    for scope, starts in model.starts.items():
        for start in starts:
            if start.kind == "contract":
                continue  # a function of the program's own makes the root of it
            parts = model.evaluate.parts(start.id, scope) if start.id is not None else None
            if parts and any(part is not None and ":" in part for part in parts):
                message = (
                    "a root id must not contain a colon: it separates the ids of children, and the engine refuses it"
                )
                yield finding("RS408", start.node, scope, message, "Use a slash: job/42.")


def searches(model: Model) -> Iterator[Finding]:
    for scope in model.scopes:
        for call in scope.calls:
            method = model.evaluate.value(call.func, scope)
            if isinstance(method, Method) and isinstance(method.of, Client) and method.name == "promises.search":
                message = "promises.search is not there on the in-process engine (400) nor on Postgres (501)"
                hint = "Keep the ids where you can ask for them: in your database."
                yield finding("RS410", call, scope, message, hint)
