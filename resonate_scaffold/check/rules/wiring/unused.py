"""RS107: durable functions that nobody uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Bound, Scope
from resonate_scaffold.code.values import Function


def unused(model: Model) -> Iterator[Finding]:
    """RS107."""
    yield from _unlisted(model)
    if not model.registrations or model.is_open:
        return
    registering = {it.scope.module.path.parts[0] for it in model.registrations}
    candidates = [
        it
        for it in model.durable_functions
        if it not in model.by_function
        and it.class_ is None
        and it.outer is it.module.scope
        and not it.decorators
        and isinstance(it.node, ast.FunctionDef | ast.AsyncFunctionDef)
        and it.module.path.parts[0] in registering
        and not _exports(it)
    ]
    if not candidates:
        return
    mentioned = _mentioned(model)
    for scope in candidates:
        aside = model.program.is_named_aside(scope.name)
        if scope.name not in mentioned and not aside and not _is_quoted(model, scope.name):
            message = f"{scope.name} is a durable function that nothing registers, calls or mentions"
            yield finding("RS107", scope.node, scope, message, "Register it with its worker, or delete it.")


def _unlisted(model: Model) -> Iterator[Finding]:
    """RS107 of functions that are decorated, and in no list; where nobody serves their contract, RS103 tells it."""
    served = {id(it.contract) for it in model.registrations if it.contract is not None}
    groups = {it.group for it in model.workers}
    left = [it for it, meant in model.unlisted.items() if id(meant) in served or meant.group not in groups]
    used = _used_functions(model) if left else set()
    for function in left:
        if function not in used:
            message = f"{function.name} is decorated with serve, but no SERVED list has it: no worker runs it"
            yield finding("RS107", function.node, function, message, "Add it to SERVED of its worker, or delete it.")


def _used_functions(model: Model) -> set[Scope]:
    """The functions that some code reads, by whatever name."""
    values = (
        model.evaluate.value(node, scope)
        for scope in model.scopes
        for node in scope.nodes
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load)
    )
    return {it.scope for it in values if isinstance(it, Function)}


def _mentioned(model: Model) -> set[str]:
    """Every name that some code loads or imports; a function's own variables are no names of others."""
    found: set[str] = set()
    for module in model.program.modules.values():
        for scope in module.scopes:
            for node in scope.nodes:
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and not _is_own(node.id, scope):
                    found.add(node.id)
                elif isinstance(node, ast.Attribute):
                    found.add(node.attr)
            for bindings in scope.bindings.values():
                found.update(it.member for it in bindings if it.how is Bound.imported and it.member)
    return found


def _is_quoted(model: Model, name: str) -> bool:
    """Whether a name stands somewhere as a text, alone or as in `package.module:name`."""
    quoted = re.compile(rf"""["'](?:[\w.]+[.:])?{name}["']""".encode())
    return any(quoted.search(line) for module in model.program.modules.values() for line in module.lines)


def _is_own(name: str, scope: Scope) -> bool:
    """Whether a name is a variable of a function."""
    holder: Scope | None = scope
    while holder is not None and name not in holder.bindings:
        holder = holder.outer
    return holder is not None and holder.outer is not None and holder.bindings[name][0].how is not Bound.imported


def _exports(scope: Scope) -> bool:
    return "__all__" in scope.module.scope.bindings or scope.name.startswith("__")
