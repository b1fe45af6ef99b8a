"""RS309: handlers of a timeout that a durable call does not raise."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.rules.durability.timeouts import callees
from resonate_scaffold.code.facts import DurableCall
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import kind_of
from resonate_scaffold.code.scopes import Bound, Scope, above, enclosing
from resonate_scaffold.code.values import External, Function

_TIMED_OUT = frozenset(
    {
        "builtins.TimeoutError",
        "asyncio.TimeoutError",
        "asyncio.exceptions.TimeoutError",
        "resonate.error.ResonateTimeoutError",
    }
)
_BROADER = frozenset(
    {"resonate.error.ApplicationError", "resonate.error.ResonateError", "builtins.Exception", "builtins.BaseException"}
)
# What can raise a TimeoutError of its own.
_WAITING_KINDS = frozenset({"network", "effects", "threads", "asyncio"})


def timeout_errors(model: Model) -> Iterator[Finding]:
    """RS309."""
    for scope in model.workflow_code:
        for handler in scope.found(ast.ExceptHandler):
            block = above(handler)
            if not isinstance(block, ast.Try):
                continue
            caught = _caught(model, handler, scope)
            if not caught or not caught <= _TIMED_OUT:
                continue
            others = [it for it in block.handlers if it is not handler]
            if any(it.type is None or _caught(model, it, scope) & _BROADER for it in others):
                continue
            if _waits_for_durable_calls_only(model, block, scope):
                message = (
                    "a durable call that timed out raises ApplicationError in a workflow, "
                    f"so {scope.name} never comes here"
                )
                yield finding("RS309", handler, scope, message, "Catch resonate.error.ApplicationError.")


def _caught(model: Model, handler: ast.ExceptHandler, scope: Scope) -> set[str]:
    if handler.type is None:
        return set()
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {model.evaluate.external(it, scope) or "?" for it in kinds}


def _waits_for_durable_calls_only(model: Model, block: ast.Try, scope: Scope) -> bool:
    """Whether a `try` awaits durable calls, and nothing in it is known to raise a TimeoutError of its own."""
    awaited: list[DurableCall] = []
    for node in scope.found(ast.Await):
        if is_tried(node, block):
            calls = awaited_calls(model, node.value, scope)
            if not calls or any(_may_time_out_itself(model, it) for it in calls):
                return False
            awaited += calls
    durable = {it.node for it in awaited}
    for call in scope.calls:
        if call not in durable and is_tried(call, block) and _raises_a_timeout(model, call, scope):
            return False
    return bool(awaited)


def is_tried(node: ast.AST, block: ast.Try) -> bool:
    """Whether a node stands in what a `try` tries."""
    inner = node
    for up in enclosing(node):
        if up is block:
            return inner in block.body
        inner = up
    return False


def awaited_calls(model: Model, node: ast.expr, scope: Scope, depth: int = 0) -> list[DurableCall]:
    """The durable calls that an awaited expression waits for: its own, and those of the names in it."""
    calls = model.durable_calls.get(scope, [])
    inside = set(ast.walk(node))
    found = [it for it in calls if it.node in inside]
    if found or depth > 2:
        return found
    for name in (it for it in inside if isinstance(it, ast.Name)):
        for binding in scope.bindings.get(name.id, ()):
            if binding.how in (Bound.value, Bound.each, Bound.part) and isinstance(binding.node, ast.expr):
                found += awaited_calls(model, binding.node, scope, depth + 1)
        for it in calls:
            match above(it.node):
                case ast.Call(func=ast.Attribute(value=ast.Name(id=kept), attr="append")) if kept == name.id:
                    found.append(it)
    return found


def _may_time_out_itself(model: Model, call: DurableCall) -> bool:
    """Whether the function of a call may raise a TimeoutError, which reaches the workflow as what it is."""
    if call.kind == "run":
        return True
    return any(_can_time_out(model, it) for it in callees(model, call))


def _raises_a_timeout(model: Model, call: ast.Call, scope: Scope) -> bool:
    match model.evaluate.value(call.func, scope):
        case External(name):
            return kind_of(name) in _WAITING_KINDS
        case Function(inner):
            return _can_time_out(model, inner)
    return False


def _can_time_out(model: Model, function: Scope) -> bool:
    """Whether a function, or one that it calls, names a timeout's error or does what may end in one."""
    for scope in model.reached(function):
        named = [it for it in scope.nodes if isinstance(it, ast.Name | ast.Attribute)]
        if any(model.evaluate.external(it, scope) in _TIMED_OUT for it in named):
            return True
        names = [model.evaluate.external(call.func, scope) for call in scope.calls]
        if any(name is not None and kind_of(name) in _WAITING_KINDS for name in names):
            return True
    return False
