"""RS411, where a route leaves the start to what runs after its answer: `BackgroundTasks`, or a task of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Scope, above
from resonate_scaffold.code.values import Client, External, Function, Method, Thing, Value

_BACKGROUND = re.compile(r"(fastapi|starlette)\.(background\.)?BackgroundTasks?")
_ADD = "add_task"
_TASKS = frozenset({"asyncio.create_task", "asyncio.ensure_future"})
_STARTING = frozenset({"rpc", "run", "promises.create"})


def background(model: Model, route: Route, scopes: list[Scope]) -> Iterator[Finding]:
    """RS411 of what is started once the answer is sent."""
    for scope in scopes:
        for call in scope.calls:
            way = _way(model, call, scope)
            given = call.args[0] if way is not None and call.args else None
            if given is not None and _starts(model, given, scope):
                message = (
                    f"{route.handler.name} leaves the start of work to {way}, which runs when the answer is sent: "
                    "what stops this process meanwhile loses the work, and a failed create is never seen"
                )
                hint = "Start it in the route, and await handle.id(), within a bound, before the answer."
                yield finding("RS411", call, scope, message, hint)


def _way(model: Model, call: ast.Call, scope: Scope) -> str | None:
    """What a call hands a function to, to run after the answer."""
    function = model.evaluate.value(call.func, scope)
    if isinstance(function, External):
        if function.name in _TASKS:
            return function.name if isinstance(above(call), ast.Expr) else None
        owner, _, method = function.name.rpartition(".")
        if method == _ADD and _BACKGROUND.fullmatch(owner):
            return "BackgroundTasks"
        return "a BackgroundTask" if _BACKGROUND.fullmatch(function.name) and method == "BackgroundTask" else None
    if isinstance(call.func, ast.Attribute) and call.func.attr == _ADD:
        holder = model.evaluate.value(call.func.value, scope)
        return "BackgroundTasks" if isinstance(holder, Thing) and _BACKGROUND.fullmatch(holder.of) else None
    return None


def _starts(model: Model, given: ast.expr, scope: Scope) -> bool:
    """Whether what is handed over starts work: a method of the client, or a function that calls one."""
    if isinstance(given, ast.Call):  # create_task(start(…))
        return any(it.node is given for it in model.starts.get(scope, ())) or _is_starting(
            model, model.evaluate.value(given.func, scope)
        )
    return _is_starting(model, model.evaluate.value(given, scope))


def _is_starting(model: Model, value: Value | None) -> bool:
    if isinstance(value, Method):
        return isinstance(value.of, Client) and value.name in _STARTING
    if not isinstance(value, Function):
        return False
    if value.scope.name == "start" and model.contract_of(value.owner) is not None:
        return True
    return any(it.kind != "schedule" for found in model.reached(value.scope, 3) for it in model.starts.get(found, ()))
