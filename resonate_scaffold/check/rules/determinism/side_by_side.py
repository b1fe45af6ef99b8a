"""RS212: helpers that run side by side, with several durable calls each.

A durable call is known by its number, which it gets when it is made. Of two helpers that wait at the same time, either
may go on first: its next call takes the number that is the other's in another run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import whose
from resonate_scaffold.check.rules.durability.timeout_errors import awaited_calls
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Bound, Scope, above, enclosing, is_within

_TOGETHER = frozenset({"asyncio.gather", "asyncio.wait", "asyncio.as_completed"})
_BEGINNING = frozenset({"create_task", "ensure_future"})
_REPEATING = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FARTHEST = 3  # variables that a coroutine is followed through
_END = (1 << 31, 0)
_HINT = (
    "Run the helper as a step, which numbers its own calls: ctx.run(helper, …). Or make all first calls, then the next."
)

type Helpers = dict[ast.Call, Scope]
"""The calls of helpers that make a durable call after they have awaited one."""


class SideBySide:
    """Which helpers workflows run at the same time, and whether these go on in an order that another run has not."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._known: dict[Scope, bool] = {}

    def findings(self, scope: Scope, workflow: Scope) -> Iterator[Finding]:
        """The first of such helpers in each `gather`, and of the tasks that are none of these."""
        helpers: Helpers = {
            call: callee for call, callee in self._model.plain_calls.get(scope, ()) if self._goes_on(callee)
        }
        told: set[ast.Call] = set()
        for gather in scope.calls if helpers else ():
            if self._model.evaluate.external(gather.func, scope) not in _TOGETHER:
                continue
            together = [it for given in gather.args for it in _coroutines(given, scope, helpers) if it not in told]
            around = set(enclosing(gather))
            if sum(2 if _is_repeated(it, around) else 1 for it in together) > 1:
                told.update(together)
                yield self._finding(together[0], helpers, scope, workflow)
        tasks = [it for it in helpers if it not in told and _is_begun(it)]
        for place, task in enumerate(tasks):
            end = _end_of(task, scope)
            later = (it for it in tasks[place + 1 :] if _position(it) < end)
            if (end == _END and _is_repeated(task, set())) or any(later):
                yield self._finding(task, helpers, scope, workflow)
                return

    def _finding(self, call: ast.Call, helpers: Helpers, scope: Scope, workflow: Scope) -> Finding:
        message = (
            f"{whose(scope, workflow)} runs {helpers[call].name} beside another one, and each makes durable calls one "
            "after the other: at a replay they take each other's results"
        )
        return finding("RS212", call, scope, message, _HINT)

    def _goes_on(self, helper: Scope) -> bool:
        """Whether a helper makes a durable call after it has awaited one."""
        if helper not in self._known:
            self._known[helper] = False  # for one that calls itself
            self._known[helper] = self._model.makes_durable_calls(helper) and self._is_sequence(helper)
        return self._known[helper]

    def _is_sequence(self, helper: Scope) -> bool:
        model = self._model
        inner = [it for it in model.plain_calls.get(helper, ()) if model.makes_durable_calls(it[1])]
        if any(self._goes_on(callee) for _, callee in inner):
            return True
        made = [it.node for it in model.durable_calls.get(helper, ())] + [call for call, _ in inner]
        awaits = [
            it
            for it in helper.found(ast.Await)
            if awaited_calls(model, it.value, helper) or any(is_within(call, it) for call, _ in inner)
        ]
        return any(_comes_after(call, it) for it in awaits for call in made)


def _coroutines(node: ast.expr, scope: Scope, helpers: Helpers, depth: int = 0) -> Iterator[ast.Call]:
    """The calls of helpers that an argument of `gather` stands for."""
    inner: Sequence[ast.expr] = ()
    match node:
        case ast.Call() if node in helpers:
            yield node
        case ast.Call(args=[ast.expr() as begun, *_]) if _name_of(node) in _BEGINNING:
            inner = [begun]
        case ast.Starred(value=one) | ast.ListComp(elt=one) | ast.GeneratorExp(elt=one) | ast.SetComp(elt=one):
            inner = [one]
        case ast.List(elts=several) | ast.Tuple(elts=several) | ast.Set(elts=several):
            inner = several
        case ast.Name(id=name) if depth < _FARTHEST:
            inner = [*_values_of(name, scope), *_appended_to(name, scope)]
            depth += 1
    for it in inner:
        yield from _coroutines(it, scope, helpers, depth)


def _values_of(name: str, scope: Scope) -> Iterator[ast.expr]:
    bindings = (it for it in scope.bindings.get(name, ()) if it.how is Bound.value)
    return (it.node for it in bindings if isinstance(it.node, ast.expr))


def _appended_to(name: str, scope: Scope) -> Iterator[ast.expr]:
    for call in scope.calls:
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=kept), attr="append" | "add"), args=[added]):
                if kept == name:
                    yield added


def _is_repeated(call: ast.Call, around: set[ast.AST]) -> bool:
    """Whether a call is made several times, by a loop that is not *around*, or by `map`."""
    return _name_of(call) == "map" or any(isinstance(it, _REPEATING) and it not in around for it in enclosing(call))


def _is_begun(call: ast.Call) -> bool:
    """Whether a helper's call is run as a task."""
    up = above(call)
    return _name_of(call) == "start_soon" or (isinstance(up, ast.Call) and _name_of(up) in _BEGINNING)


def _end_of(task: ast.Call, scope: Scope) -> tuple[int, int]:
    """Where a task has ended for certain: where it is awaited by its name, or its group is left."""
    begun = task if _name_of(task) == "start_soon" else above(task)
    if begun is None or isinstance(above(begun), ast.Await):
        return _position(task)
    loop = next((it for it in enclosing(task) if isinstance(it, _REPEATING)), None)
    match above(begun):
        case ast.Assign(targets=[ast.Name(id=name)]):
            for it in scope.found(ast.Await):
                if isinstance(it.value, ast.Name) and it.value.id == name and _position(it) > _position(task):
                    return _position(it) if loop is None or is_within(it, loop) else _END
    for up in enclosing(task):
        if up is loop:
            return _END
        if isinstance(up, ast.AsyncWith) and _is_entered(begun, up):
            return up.end_lineno or 0, up.end_col_offset or 0
    return _END


def _is_entered(begun: ast.AST, block: ast.AsyncWith) -> bool:
    """Whether a task is begun by what a `with` gives: `group.create_task(…)`."""
    names = {it.optional_vars.id for it in block.items if isinstance(it.optional_vars, ast.Name)}
    match begun:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=group))):
            return group in names
    return False


def _comes_after(call: ast.Call, awaited: ast.Await) -> bool:
    """Whether a call is made after an await has ended: later, or in the next round of a loop around both."""
    if any(isinstance(it, _REPEATING) and is_within(call, it) for it in enclosing(awaited)):
        return True
    end = (awaited.end_lineno or 0, awaited.end_col_offset or 0)
    return _position(call) >= end and not _excludes(awaited, call)


def _excludes(first: ast.AST, second: ast.AST) -> bool:
    """Whether the code that has run into *first* never comes to *second*: another branch, or a `return` before."""
    inner = first
    for up in enclosing(first):
        for name in ("body", "orelse", "handlers", "finalbody"):
            block = getattr(up, name, None)
            if not isinstance(block, list) or inner not in block or any(is_within(second, it) for it in block):
                continue
            if isinstance(block[-1], ast.Return | ast.Raise | ast.Continue | ast.Break):
                return True
            if isinstance(up, ast.If) and is_within(second, up):
                return True
        inner = up
    return False


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _position(node: ast.AST) -> tuple[int, int]:
    return int(getattr(node, "lineno", 0)), int(getattr(node, "col_offset", 0))
