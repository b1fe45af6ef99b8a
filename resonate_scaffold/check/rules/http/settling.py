"""RS405, RS406 and RS407: promises that a request settles."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.rules.http.access import Access
from resonate_scaffold.check.rules.http.late_checks import is_checked_late
from resonate_scaffold.check.rules.http.request import Asked
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Bound, Scope
from resonate_scaffold.code.values import Client, Function, Method

_SETTLES = frozenset({"promises.resolve", "promises.reject", "promises.cancel"})


def settling(model: Model, route: Route, scopes: list[Scope], access: Access) -> Iterator[Finding]:
    handler = route.handler
    asked = Asked(model, route)
    settles = [(call, scope) for scope in scopes for call in scope.calls if _settles(model, call, scope)]
    for call, scope in settles:
        place = _at_the_handler(model, argument(call, "id", 0), call, scope, handler)
        if place is not None and asked.chose(place[0]) and not asked.is_looked_at(*place):
            message = f"{handler.name} settles the promise that the request names: it may belong to other work"
            hint = 'Make the id here, under a prefix of its own: f"approve/{job}".'
            yield finding("RS405", place[1], handler, message, hint)
        method = model.evaluate.value(call.func, scope)
        value = argument(call, "value", 1)
        if scope is handler and isinstance(method, Method) and method.name == "promises.reject" and asked.wrote(value):
            message = f"{handler.name} rejects a promise with data from the request, which the workflow may unpickle"
            hint = "Resolve it with a typed answer, and let the workflow decide what failed."
            yield finding("RS407", call, handler, message, hint)
    if settles and not access.is_checked(route, scopes):
        message = f"{handler.name} settles a promise, and nothing checks who sends the request"
        hint = (
            "Verify a signature over the body (hmac.compare_digest), or ask for a key, before the promise is settled."
        )
        yield finding("RS406", handler.node, handler, message, hint)
    for call, scope in settles:
        if scope is handler and is_checked_late(model, access, route, call):
            message = f"{handler.name} settles the promise first, and looks at the signature after that: it is too late"
            hint = "Refuse what is not signed before anything else: a promise that is settled stays settled."
            yield finding("RS406", call, handler, message, hint)


def _settles(model: Model, call: ast.Call, scope: Scope) -> bool:
    method = model.evaluate.value(call.func, scope)
    if isinstance(method, Function):
        return method.scope.name == "deliver" and model.is_gate(method.owner)
    return isinstance(method, Method) and isinstance(method.of, Client) and method.name in _SETTLES


def _at_the_handler(
    model: Model, node: ast.expr | None, call: ast.Call, scope: Scope, handler: Scope
) -> tuple[ast.expr, ast.Call] | None:
    """Where a promise's id stands in the handler: in the call itself, or given to the helper that makes it."""
    if node is None or isinstance(model.evaluate.value(call.func, scope), Function):
        return None
    if scope is handler:
        return node, call
    if not isinstance(node, ast.Name) or [it.how for it in scope.bindings.get(node.id, ())] != [Bound.parameter]:
        return None
    names = [it.arg for it in scope.positional]
    for outer, callee in model.plain_calls.get(handler, ()):
        if callee is scope:
            given = argument(outer, node.id, names.index(node.id) if node.id in names else None)
            return (given, outer) if given is not None else None
    return None
