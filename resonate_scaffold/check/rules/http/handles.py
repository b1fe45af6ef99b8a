"""RS411 and RS412: what a route does with the handle of the work that it has started."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import only_logged
from resonate_scaffold.code.facts import Start
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Scope, above, enclosing, loads
from resonate_scaffold.code.values import Client, Future, Method, Thing

_HANDLES = frozenset({"resonate.handle.ResonateHandle", "resonate.ResonateHandle"})


def unconfirmed(model: Model, route: Route, starts: list[Start]) -> Iterator[Finding]:
    for start in starts:
        if start.kind in ("rpc", "run") and not _is_confirmed(model, start):
            message = (
                f"{route.handler.name} answers before the engine has taken the work: a failed create is never seen"
            )
            yield finding(
                "RS411", start.node, start.scope, message, "Await handle.id(), within a bound, before the answer."
            )


def _is_confirmed(model: Model, start: Start) -> bool:
    """Whether anything is done with the handle but asking whether it is done, or logging it."""
    up = above(start.node)
    if isinstance(up, ast.Expr) or only_logged(model, start.node, start.scope):
        return False
    kept = kept_as(start.node) if isinstance(up, ast.stmt) else set()
    if not kept:
        return not (isinstance(up, ast.Attribute) and up.attr == "done")
    uses = [use for name in kept for use, _ in loads(name, start.scope)]
    return any(_is_used(use) and not only_logged(model, use, start.scope) for use in uses)


def _is_used(use: ast.Name) -> bool:
    up = above(use)
    return not isinstance(up, ast.Attribute) or up.attr != "done"


def stale_handles(model: Model, route: Route, scopes: list[Scope]) -> Iterator[Finding]:
    for scope in scopes:
        for call in calls_of_handles(model, "done", scope):
            message = f"{route.handler.name} asks a handle whether it is done: its answer may be 60 s old"
            yield finding("RS412", call, scope, message, "Ask the engine: (await client.promises.get(id)).state.")


def calls_of_handles(model: Model, method: str, scope: Scope) -> Iterator[ast.Call]:
    for call in scope.calls:
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr == method and is_handle(model, function.value, scope):
            yield call


def is_handle(model: Model, node: ast.expr, scope: Scope) -> bool:
    value = model.evaluate.value(node, scope)
    if isinstance(value, Thing):
        return value.of in _HANDLES
    return isinstance(value, Future) and isinstance(value.method, Method) and isinstance(value.method.of, Client)


def kept_as(node: ast.AST) -> set[str]:
    """The names that an assignment binds to what a node is part of."""
    for up in enclosing(node):
        match up:
            case ast.Assign(targets=targets) if all(isinstance(it, ast.Name) for it in targets):
                return {it.id for it in targets if isinstance(it, ast.Name)}
            case ast.AugAssign(target=ast.Name(id=name)) | ast.AnnAssign(target=ast.Name(id=name)):
                return {name}
            case ast.stmt():
                return set()
    return set()
