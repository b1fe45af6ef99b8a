"""What the `SERVED` list of a worker holds, followed through the lists that it is put together from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from resonate_scaffold.check.evaluate import Evaluator
from resonate_scaffold.check.program import Bound, Module, Scope, above
from resonate_scaffold.check.values import Constant, Function, ModuleOf

_COPYING = frozenset({"builtins.list", "builtins.tuple", "builtins.sorted"})
_BRANCHES = (ast.If, ast.Match, ast.IfExp, ast.ExceptHandler)


@dataclass(frozen=True, slots=True, eq=False)
class Worker:
    """A module with a SERVED list, and the calls of `serve` in it.

    ``group`` is None where its GROUP is not known; one that is not ``grouped`` has none: a stand-in, or a process for
    all groups. ``is_open``: more may be in the list than could be read.
    """

    module: Module
    grouped: bool
    group: str | None
    served: tuple[ast.Call, ...]
    is_open: bool


def worker_of(evaluate: Evaluator, module: Module) -> Worker | None:
    """The worker that a module is."""
    if "SERVED" not in module.scope.bindings:
        return None
    reader = _Reader(evaluate)
    reader.named("SERVED", module.scope)
    grouped = "GROUP" in module.scope.bindings
    group = evaluate.name("GROUP", module.scope) if grouped else None
    text = group.value if isinstance(group, Constant) and isinstance(group.value, str) else None
    return Worker(module, grouped, text, tuple(dict.fromkeys(reader.calls)), reader.is_open)


def serves(evaluate: Evaluator, call: ast.Call, scope: Scope) -> bool:
    """Whether a call is one of `serve`, the function that pairs a contract with its function."""
    function = evaluate.value(call.func, scope)
    return isinstance(function, Function) and function.scope.name == "serve" and function.owner is None


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

    def __init__(self, evaluate: Evaluator) -> None:
        self.calls: list[ast.Call] = []
        self.is_open = False
        self._evaluate = evaluate
        self._busy: set[tuple[Scope, str]] = set()

    def named(self, name: str, scope: Scope) -> None:
        """Read a list by its name."""
        if (scope, name) in self._busy:
            return
        self._busy.add((scope, name))
        for node, holder in self._meanings(name, scope):
            self._several(node, holder)
        self._changes(name, scope)

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
        if isinstance(item, ast.Call) and serves(self._evaluate, item, scope):
            self.calls.append(item)
        elif isinstance(item, ast.Name) and (scope, item.id) not in self._busy:
            self._busy.add((scope, item.id))
            for node, holder in self._meanings(item.id, scope):
                self._one(node, holder)
        else:
            self.is_open = True

    def _meanings(self, name: str, scope: Scope) -> Iterator[tuple[ast.expr, Scope]]:
        """The expressions that a name is bound to, where it is from; several may exclude each other."""
        bindings = [it for it in scope.bindings.get(name, ()) if it.how is not Bound.declared]
        if sum(not isinstance(it.node, ast.AugAssign) for it in bindings) != 1:
            self.is_open = True
        for it in bindings:
            if isinstance(it.node, ast.AugAssign):
                self.is_open = self.is_open or in_branch(it.node)
                yield it.node.value, scope
            elif it.how is Bound.value and isinstance(it.node, ast.expr):
                yield it.node, scope
            elif it.how is Bound.imported and it.member is not None:
                path = self._evaluate.program.importing(scope.module, it.module, it.level)
                module = self._evaluate.program.modules.get(path) if path is not None else None
                if module is not None and it.member in module.scope.bindings:
                    self.named(it.member, module.scope)
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
