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
from collections.abc import Callable
from dataclasses import dataclass

from resonate_scaffold.code.evaluate import Evaluator, argument
from resonate_scaffold.code.program import Bound, Module, Scope, above
from resonate_scaffold.code.values import Constant, Function, ModuleOf

_COPYING = frozenset({"builtins.list", "builtins.tuple", "builtins.sorted"})
_BRANCHES = (ast.If, ast.Match, ast.IfExp, ast.ExceptHandler)


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
    reader = _Reader(evaluate, by_decorator=by_decorator)
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


def in_branch(node: ast.AST) -> bool:
    """Whether a node may be passed by, because only one of several branches runs."""
    inner, up = node, above(node)
    while up is not None:
        if isinstance(up, _BRANCHES) or (isinstance(up, ast.Try) and inner in up.orelse):
            return True
        inner, up = up, above(up)
    return False


class _Reader:
    """Reads one list, and those that it is made of."""

    def __init__(self, evaluate: Evaluator, *, by_decorator: bool) -> None:
        self.entries: list[Entry] = []
        self.is_open = False
        self._evaluate = evaluate
        self._by_decorator = by_decorator
        self._busy: set[tuple[Scope, str]] = set()

    def named(self, name: str, scope: Scope) -> None:
        """Read a list by its name."""
        if (scope, name) not in self._busy:
            self._busy.add((scope, name))
            self._follow(name, scope, self._several, self.named)
            self._changes(name, scope)

    def _entry(self, name: str, scope: Scope) -> None:
        """Read an element by its name."""
        if (scope, name) in self._busy:
            self.is_open = True
            return
        self._busy.add((scope, name))
        self._follow(name, scope, self._one, self._entry)
        self._busy.discard((scope, name))

    def _several(self, node: ast.expr, scope: Scope) -> None:
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                for item in items:
                    if isinstance(item, ast.Starred):
                        self._several(item.value, scope)
                    else:
                        self._one(item, scope)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                self._several(left, scope)
                self._several(right, scope)
            case ast.Call(args=[inner]) if self._evaluate.external(node.func, scope) in _COPYING:
                self._several(inner, scope)
            case ast.Name(id=name):
                self.named(name, scope)
            case ast.Attribute(value=base, attr=name):
                holder = self._evaluate.value(base, scope)
                if isinstance(holder, ModuleOf):
                    self.named(name, holder.module.scope)
                else:
                    self.is_open = True
            case _:
                self.is_open = True

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

    def _follow(
        self,
        name: str,
        scope: Scope,
        read: Callable[[ast.expr, Scope], None],
        elsewhere: Callable[[str, Scope], None],
    ) -> None:
        """Read what a name is bound to, here or elsewhere; of several bindings some may exclude others."""
        bindings = [it for it in scope.bindings.get(name, ()) if it.how is not Bound.declared]
        if sum(not isinstance(it.node, ast.AugAssign) for it in bindings) != 1:
            self.is_open = True
        for it in bindings:
            if isinstance(it.node, ast.AugAssign):
                self.is_open = self.is_open or in_branch(it.node)
                read(it.node.value, scope)
            elif it.how is Bound.value and isinstance(it.node, ast.expr):
                read(it.node, scope)
            elif it.how is Bound.imported and it.member is not None:
                path = self._evaluate.program.importing(scope.module, it.module, it.level)
                module = self._evaluate.program.modules.get(path) if path is not None else None
                if module is not None and it.member in module.scope.bindings:
                    elsewhere(it.member, module.scope)
                else:
                    self.is_open = True
            else:
                self.is_open = True

    def _changes(self, name: str, scope: Scope) -> None:
        """`append` and `extend` of a list, in its own module."""
        for inner in scope.module.scopes:
            for call in inner.calls:
                match call.func:
                    case ast.Attribute(value=ast.Name(id=changed), attr=attribute) if changed == name and call.args:
                        if attribute in ("append", "insert"):
                            self._one(call.args[-1], inner)
                        elif attribute == "extend":
                            self._several(call.args[-1], inner)
                        else:
                            continue
                    case _:
                        continue
                self.is_open = self.is_open or inner is not scope or in_branch(call)
