"""RS304: calls that block the event loop."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import blocks, kind_of
from resonate_scaffold.code.scopes import Scope
from resonate_scaffold.code.values import Constant

# A function with one of these is still called as it is.
_TRANSPARENT = re.compile(
    r"builtins\.(staticmethod|classmethod|property)|functools\.(cache|lru_cache|cached_property|wraps)"
    r"|contextlib\.contextmanager|typing\.(override|no_type_check)"
)


def blocking(model: Model) -> Iterator[Finding]:
    """RS304."""
    asynchronous = {it: f"{it.name} is a durable function" for it in model.durable_functions if it.is_async}
    if model.program_uses_resonate:
        for route in model.routes:
            if route.handler.is_async:
                asynchronous.setdefault(route.handler, f"{route.handler.name} is a route")
    told: set[ast.Call] = set()
    for start, what in asynchronous.items():
        for scope in _in_the_loop(model, start):
            for call in scope.calls:
                name = model.evaluate.external(call.func, scope)
                if name is None or not blocks(name) or call in told or _is_instant(model, call, scope):
                    continue
                if scope in model.workflow_code and kind_of(name) is not None:
                    continue  # it may not be there at all: see RS2xx and RS301
                told.add(call)
                shown = name.removeprefix("builtins.")
                message = f"{shown} blocks the event loop: {what}, and all else in its process stands still"
                yield finding("RS304", call, scope, message, "Use an async library, or asyncio.to_thread in a step.")


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
    outer = function.outer or function
    names = [
        model.evaluate.external(it.func if isinstance(it, ast.Call) else it, outer) or "" for it in function.decorators
    ]
    return all(_TRANSPARENT.fullmatch(it) for it in names)
