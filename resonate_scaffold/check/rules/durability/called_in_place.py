"""RS314: a function that is called where it should be given: `ctx.run(charge(ctx))`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import Scope
from resonate_scaffold.code.values import (
    Collection,
    Constant,
    Context,
    External,
    Function,
    Instance,
    Text,
    Thing,
    Value,
)

_COROUTINES = frozenset({"asyncio.sleep", "asyncio.to_thread", "asyncio.gather", "asyncio.wait_for"})


def called_in_place(model: Model) -> Iterator[Finding]:
    """RS314, for what contexts and clients are given to run."""
    for scope, calls in model.durable_calls.items():
        for call in calls:
            if call.kind in ("run", "rpc", "detached"):
                yield from _given(model, argument(call.node, "fn", 0), f"ctx.{call.kind}", scope)
    for scope, starts in model.starts.items():
        for start in starts:
            if start.kind in ("run", "rpc"):
                given = argument(start.node, "fn", 1) or argument(start.node, "func")
                yield from _given(model, given, start.kind, scope)


def _given(model: Model, given: ast.expr | None, method: str, scope: Scope) -> Iterator[Finding]:
    call = given.value if isinstance(given, ast.Await) else given
    if not isinstance(call, ast.Call) or not _gives_no_function(model, call, scope):
        return
    name = ast.unparse(call.func)
    message = f"{method} is given what {name}(…) returns: it runs here, outside of a step, and {method} has no function"
    given_on = [ast.unparse(it) for it in call.args if not isinstance(model.evaluate.value(it, scope), Context)]
    given_on += [ast.unparse(it) for it in call.keywords]
    place = "" if method.startswith("ctx.") else "id, "
    whole = f"{method}({place}{', '.join([name, *given_on])})"
    hint = f"Give the function and its arguments: {whole if len(whole) < 80 else f'{method}({place}{name}, …)'}."
    yield finding("RS314", call, scope, message, hint)


def _gives_no_function(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether what is called is async, or durable itself: what it gives is no function."""
    function = model.evaluate.value(call.func, scope)
    if isinstance(function, External):
        return function.name in _COROUTINES
    if not isinstance(function, Function):
        return False
    called = function.scope
    if isinstance(called.node, ast.Lambda) or called.decorators or called.yields:
        return False
    if called.is_async:
        return True
    durable = model.context_of(called) is not None and _hands_a_context(model, call, scope)
    return durable and _is_data(model.evaluate.value(call, scope))


def _is_data(value: Value | None) -> bool:
    """Whether a value is known, and can be no function."""
    if isinstance(value, Thing):
        return not value.of.startswith(("typing.", "collections.abc."))
    return isinstance(value, Constant | Text | Collection | Instance)


def _hands_a_context(model: Model, call: ast.Call, scope: Scope) -> bool:
    given = (*call.args, *(it.value for it in call.keywords))
    return any(isinstance(model.evaluate.value(it, scope), Context) for it in given)
