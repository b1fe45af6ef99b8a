"""RS403 of a route that asks again and again whether work is done, for as long as it takes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import kind_of
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Scope, enclosing, is_within
from resonate_scaffold.code.values import Client, Future, Method, Thing

_HANDLES = frozenset({"resonate.handle.ResonateHandle", "resonate.ResonateHandle"})
_BOUND = re.compile(
    r"deadline|time|attempt|tr(y|ies)|remain|elapsed|expir|until|budget|disconnect|limit|retr|count", re.I
)


def polling(model: Model, route: Route, scope: Scope) -> Iterator[Finding]:
    """RS403 of loops in code that an answer waits for, without a bound on the way to it."""
    if scope.yields:
        return  # a stream of events takes as long as it takes
    for loop in scope.found(ast.While):
        asks = any(_asks(model, it, scope) and is_within(it, loop) for it in scope.calls)
        if asks and _waits(loop) and not _is_bounded(model, loop, scope):
            message = (
                f"{route.handler.name} polls until the work is done, as long as that takes: the client hangs on it"
            )
            hint = "Bound it (asyncio.timeout), and answer 202 with an id when it is not done by then."
            yield finding("RS403", loop, scope, message, hint)


def _asks(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether a call asks how far work is."""
    method = model.evaluate.value(call.func, scope)
    if isinstance(method, Method):
        return isinstance(method.of, Client) and method.name in ("promises.get", "get")
    if isinstance(call.func, ast.Attribute) and call.func.attr == "done":
        value = model.evaluate.value(call.func.value, scope)
        of_client = (
            isinstance(value, Future) and isinstance(value.method, Method) and isinstance(value.method.of, Client)
        )
        return of_client or (isinstance(value, Thing) and value.of in _HANDLES)
    return False


def _waits(loop: ast.While) -> bool:
    """Whether each round sleeps: it is a poll."""
    names = (it.func for it in ast.walk(loop) if isinstance(it, ast.Call))
    return any((it.attr if isinstance(it, ast.Attribute) else getattr(it, "id", "")) == "sleep" for it in names)


def _is_bounded(model: Model, loop: ast.While, scope: Scope) -> bool:
    """Whether anything but the end of the work may end a loop: a clock, a count, a `timeout` around it."""
    for up in enclosing(loop):
        if isinstance(up, ast.With | ast.AsyncWith | ast.For | ast.AsyncFor):
            return True  # whatever is entered may bound it
    tests = [loop.test, *(it.test for it in ast.walk(loop) if isinstance(it, ast.If | ast.IfExp | ast.Assert))]
    for part in (inner for test in tests for inner in ast.walk(test)):
        name = part.attr if isinstance(part, ast.Attribute) else part.id if isinstance(part, ast.Name) else ""
        if _BOUND.search(name):
            return True
        if isinstance(part, ast.Call) and kind_of(model.evaluate.external(part.func, scope) or "") == "clock":
            return True
    counted = {
        it.target.id for it in ast.walk(loop) if isinstance(it, ast.AugAssign) and isinstance(it.target, ast.Name)
    }
    read = {it.id for test in tests for it in ast.walk(test) if isinstance(it, ast.Name)}
    return bool(counted & read) or any(isinstance(it, ast.With | ast.AsyncWith | ast.Try) for it in ast.walk(loop))
