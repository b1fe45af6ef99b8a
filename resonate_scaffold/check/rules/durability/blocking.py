"""RS304: calls that block the event loop."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.blocking import blocks
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import kind_of
from resonate_scaffold.code.scopes import Scope, above
from resonate_scaffold.code.values import Client, Constant, Method

# A function with one of these is still called as it is.
_TRANSPARENT = re.compile(
    r"builtins\.(staticmethod|classmethod|property)|functools\.(cache|lru_cache|cached_property|wraps)"
    r"|contextlib\.contextmanager|typing\.(override|no_type_check)"
)


def blocking(model: Model) -> Iterator[Finding]:
    """RS304. The SDK calls a durable function that is not async where it stands, in the loop, as well."""
    plain = _called_in_the_loop(model)
    asynchronous = {
        it: f"{it.name} is a durable function{'' if it.is_async else ', which is called in the loop too'}"
        for it in model.durable_functions
        if it.is_async or it in plain
    }
    if model.program_uses_resonate:
        for route in model.routes:
            if route.handler.is_async:
                asynchronous.setdefault(route.handler, f"{route.handler.name} is a route")
    told: set[ast.Call] = set()
    for start, what in asynchronous.items():
        for scope in _in_the_loop(model, start):
            sessions = False
            for call in scope.calls:
                name = model.evaluate.external(call.func, scope)
                if name is None or not blocks(name) or call in told or _is_instant(model, call, scope):
                    continue
                if isinstance(above(call), ast.Await):
                    continue  # it is another than it was taken for: what blocks gives nothing to await
                if scope in model.workflow_code and kind_of(name) is not None:
                    continue  # it may not be there at all: see RS2xx and RS301
                told.add(call)
                if name.startswith("sqlalchemy."):
                    if sessions:
                        continue  # told by the first use of a session
                    sessions = True
                shown = name.removeprefix("builtins.")
                message = f"{shown} blocks the event loop: {what}, and nothing else in its process runs meanwhile"
                yield finding("RS304", call, scope, message, "Use an async library, or asyncio.to_thread in a step.")


def _called_in_the_loop(model: Model) -> set[Scope]:
    """The durable functions that are not async, of programs for this SDK: older releases gave them threads."""
    if any(it.yields for it in model.durable_functions) or not any(it.is_async for it in model.durable_functions):
        return set()
    found = {it for it in model.by_function if not it.is_async}
    for scope, calls in model.durable_calls.items():
        if scope.is_async:
            found |= {it.function for it in calls if it.function is not None and not it.function.is_async}
    return {it for it in found if not _has_a_thread(model, it)}


def _has_a_thread(model: Model, function: Scope) -> bool:
    """Whether a runtime or a decorator of the program may give a function that is not async a thread."""
    if not model.services.isdisjoint(function.module.path.parents):
        return True
    if any(it.contract is not None for it in model.by_function.get(function, ())):
        return True
    outer = function.outer or function
    others = [it for it in function.decorators if not _registers(model, it, outer)]
    return not all(_is_transparent(model, it, outer) for it in others)


def _registers(model: Model, decorator: ast.expr, scope: Scope) -> bool:
    function = model.evaluate.value(decorator.func if isinstance(decorator, ast.Call) else decorator, scope)
    return isinstance(function, Method) and isinstance(function.of, Client)


def _in_the_loop(model: Model, scope: Scope) -> list[Scope]:
    """An async function, and the functions that it calls; a decorator may send one to a thread."""
    found = [scope]
    for holder in found:
        for _, callee in model.plain_calls.get(holder, ()):
            if callee not in found and (callee.is_async or _is_called_as_it_is(model, callee)):
                found.append(callee)
    return found


def _is_instant(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether this is `time.sleep(0)`, which lets other threads run."""
    return len(call.args) == 1 and model.evaluate.value(call.args[0], scope) == Constant(0)


def _is_called_as_it_is(model: Model, function: Scope) -> bool:
    return all(_is_transparent(model, it, function.outer or function) for it in function.decorators)


def _is_transparent(model: Model, decorator: ast.expr, scope: Scope) -> bool:
    name = model.evaluate.external(decorator.func if isinstance(decorator, ast.Call) else decorator, scope)
    return _TRANSPARENT.fullmatch(name or "") is not None
