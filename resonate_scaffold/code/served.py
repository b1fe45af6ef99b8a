"""What the `SERVED` list of a worker holds, followed through the lists that it is put together from.

`serve` pairs a contract with the function that fulfils it. It decorates the function, whose name then stands in the
list; in services of version 0.1.0 it is called in the list, with both::

    @serve(contract, retries=6)
    async def load(ctx, request): ...

    SERVED = [load]
    SERVED = [serve(contract, load, retries=6)]
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from resonate_scaffold.code.evaluate import Evaluator
from resonate_scaffold.code.lists import ListReader
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import Module, Scope, above
from resonate_scaffold.code.values import Constant, Function


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An element of a SERVED list: ``node`` of ``scope``, which is or names what ``call``, one of `serve`, made."""

    node: ast.expr
    scope: Scope
    call: ast.Call


@dataclass(frozen=True, slots=True, eq=False)
class Worker:
    """A module with a SERVED list, and what is in it.

    ``group`` is None where its GROUP is not known; one that is not ``grouped`` has none: stand-ins, or a process for
    all groups. ``is_open``: more may be in the list than could be read.
    """

    module: Module
    grouped: bool
    group: str | None
    entries: tuple[Entry, ...]
    is_open: bool


def worker_of(evaluate: Evaluator, module: Module, *, by_decorator: bool) -> Worker | None:
    """The worker that a module is. ``by_decorator``: a function is served only if `serve` decorates it."""
    if "SERVED" not in module.scope.bindings:
        return None
    reader = _ServedReader(evaluate, by_decorator=by_decorator)
    reader.named("SERVED", module.scope)
    grouped = "GROUP" in module.scope.bindings
    group = evaluate.name("GROUP", module.scope) if grouped else None
    text = group.value if isinstance(group, Constant) and isinstance(group.value, str) else None
    return Worker(module, grouped, text, tuple(reader.entries), reader.is_open)


def serves(evaluate: Evaluator, call: ast.Call, scope: Scope) -> bool:
    """Whether a call is one of `serve`, the function that pairs a contract with its function."""
    function = evaluate.value(call.func, scope)
    return isinstance(function, Function) and function.scope.name == "serve" and function.owner is None


def served_by(evaluate: Evaluator, function: Scope) -> ast.Call | None:
    """The call of `serve` that decorates a function, so that the function's name means what that made."""
    outermost = function.decorators[0] if function.decorators else None
    if isinstance(outermost, ast.Call) and serves(evaluate, outermost, function.outer or function):
        return outermost
    return None


def decorated_by(call: ast.Call, scope: Scope) -> Scope | None:
    """The function that a call of *scope* decorates."""
    up = above(call)
    if not isinstance(up, ast.FunctionDef | ast.AsyncFunctionDef) or call not in up.decorator_list:
        return None
    return next((it for it in scope.inner if it.node is up), None)


def function_of(evaluate: Evaluator, call: ast.Call, scope: Scope) -> Function | None:
    """The function that a call of `serve` pairs with a contract: it decorates it, is given it, or is applied to it."""
    decorated = decorated_by(call, scope)
    if decorated is not None:
        return Function(decorated)
    up = above(call)
    applied = up.args[0] if isinstance(up, ast.Call) and up.func is call and up.args else None
    value = evaluate.value(applied or argument(call, "function", 1), scope)
    return value if isinstance(value, Function) else None


class _ServedReader(ListReader):
    """Reads a list of what `serve` made."""

    def __init__(self, evaluate: Evaluator, *, by_decorator: bool) -> None:
        super().__init__(evaluate)
        self.entries: list[Entry] = []
        self._by_decorator = by_decorator

    def _entry(self, name: str, scope: Scope) -> None:
        """Read an element by its name."""
        if (scope, name) in self._busy:
            self.is_open = True
            return
        self._busy.add((scope, name))
        self._follow(name, scope, self._one, self._entry)
        self._busy.discard((scope, name))

    def _one(self, item: ast.expr, scope: Scope) -> None:
        value = self._evaluate.value(item, scope)
        decorator = served_by(self._evaluate, value.scope) if isinstance(value, Function) else None
        if decorator is not None:
            self.entries.append(Entry(item, scope, decorator))
            return
        if self._by_decorator and isinstance(value, Function) and not value.scope.decorators:
            return  # it was forgotten: nobody serves this function
        call = item.func if isinstance(item, ast.Call) and isinstance(item.func, ast.Call) else item
        if isinstance(call, ast.Call) and serves(self._evaluate, call, scope):
            self.entries.append(Entry(item, scope, call))
        elif isinstance(item, ast.Name):
            self._entry(item.id, scope)
        else:
            self.is_open = True
