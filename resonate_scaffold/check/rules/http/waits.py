"""RS403: routes that wait without a bound."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.rules.http.handles import calls_of_handles
from resonate_scaffold.check.rules.http.polling import polling
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Scope, above, enclosing, loads
from resonate_scaffold.code.values import Constant, External, Function

_BOUNDS = frozenset(
    {"asyncio.timeout", "asyncio.timeout_at", "anyio.fail_after", "anyio.move_on_after", "async_timeout.timeout"}
)
_WAITERS = frozenset({"asyncio.wait_for", "asyncio.wait"})
_TASKS = frozenset({"create_task", "ensure_future", "start_soon", "add_task", "spawn"})


def waits(model: Model, route: Route) -> Iterator[Finding]:
    for scope in _waited_for(model, route):
        yield from polling(model, route, scope)
        if _asks_first(scope):
            continue
        for call in calls_of_handles(model, "result", scope):
            if _waits_forever(model, call, scope):
                message = (
                    f"{route.handler.name} waits for a result without a limit: the request hangs until the work ends"
                )
                hint = "Bound it (asyncio.timeout), and answer 202 with an id when it is not done by then."
                yield finding("RS403", call, scope, message, hint)


def _asks_first(scope: Scope) -> bool:
    """Whether a function asks whether all is done, to await what is there already: `record.state`, `handle.done()`."""
    for node in scope.found(ast.Attribute):
        up = above(node)
        if (node.attr == "state" and isinstance(up, ast.Compare)) or (node.attr == "done" and isinstance(up, ast.Call)):
            return True
    return False


def _waited_for(model: Model, route: Route) -> list[Scope]:
    """The code that an answer waits for, without a bound on the way to it."""
    if any("timeout" in ast.unparse(it).lower() for it in route.handler.decorators if it is not route.node):
        return []
    found, waiting = [route.handler], [(route.handler, 0)]
    while waiting:
        scope, depth = waiting.pop()
        for call, callee in model.plain_calls.get(scope, ()):
            if depth == 3 or callee in found or callee.yields or _is_task(call) or _is_bounded(model, call, scope):
                continue
            found.append(callee)
            waiting.append((callee, depth + 1))
    return found


def _is_task(node: ast.AST) -> bool:
    """Whether something runs beside: it is given to `create_task` or its like."""
    up = above(node)
    if not isinstance(up, ast.Call) or up.func is node:
        return False
    name = up.func.attr if isinstance(up.func, ast.Attribute) else getattr(up.func, "id", "")
    return name in _TASKS


def _waits_forever(model: Model, node: ast.expr, scope: Scope, depth: int = 0) -> bool:
    """Whether an awaitable is awaited, at once, in a `gather`, or by its name, and each time without a bound."""
    if _is_bounded(model, node, scope):
        return False
    up: ast.AST | None = above(node)
    below: ast.AST = node
    while isinstance(up, ast.Call | ast.Starred | ast.comprehension | ast.List | ast.ListComp | ast.GeneratorExp):
        if isinstance(up, ast.Call):
            name = model.evaluate.external(up.func, scope) or ""
            if up.func is below or name not in (
                "asyncio.gather",
                "asyncio.shield",
                *(f"asyncio.{it}" for it in _TASKS),
            ):
                return False
        below, up = up, above(up)
    if isinstance(up, ast.Await):
        return True
    if isinstance(up, ast.Assign) and len(up.targets) == 1 and isinstance(up.targets[0], ast.Name) and depth == 0:
        uses = [it for it, _ in loads(up.targets[0].id, scope)]
        return bool(uses) and all(_waits_forever(model, it, scope, 1) for it in uses)
    return False


def _is_bounded(model: Model, node: ast.AST, scope: Scope) -> bool:
    """Whether a node stands in a `timeout`, or is given to one that waits only so long."""
    for up in enclosing(node):
        if isinstance(up, ast.Call) and model.evaluate.external(up.func, scope) in _WAITERS:
            place = 1 if ast.unparse(up.func).endswith("wait_for") else None
            return model.evaluate.value(argument(up, "timeout", place), scope) != Constant(None)
        if isinstance(up, ast.With | ast.AsyncWith) and any(_bounds(model, it.context_expr, scope) for it in up.items):
            return True
    return False


def _bounds(model: Model, node: ast.expr, scope: Scope) -> bool:
    """Whether what is entered is a timeout, or an own context manager around one."""
    if not isinstance(node, ast.Call):
        return False
    function = model.evaluate.value(node.func, scope)
    if isinstance(function, External):
        return function.name in _BOUNDS
    if isinstance(function, Function):
        return any(model.evaluate.external(it.func, function.scope) in _BOUNDS for it in function.scope.calls)
    return function is None and re.search(r"timeout|deadline|limit", ast.unparse(node.func)) is not None
