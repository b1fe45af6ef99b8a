"""What a module-level list holds, followed through the lists that it is put together from."""

from __future__ import annotations

import ast
from collections.abc import Callable

from resonate_scaffold.code.evaluate import Evaluator
from resonate_scaffold.code.scopes import Bound, Scope, above
from resonate_scaffold.code.values import ModuleOf

_COPYING = frozenset({"builtins.list", "builtins.tuple", "builtins.sorted"})
_BRANCHES = (ast.If, ast.Match, ast.IfExp, ast.ExceptHandler)


def in_branch(node: ast.AST) -> bool:
    """Whether a node may be passed by, because only one of several branches runs."""
    inner, up = node, above(node)
    while up is not None:
        if isinstance(up, _BRANCHES) or (isinstance(up, ast.Try) and inner in up.orelse):
            return True
        inner, up = up, above(up)
    return False


def elements(evaluate: Evaluator, name: str, scope: Scope) -> list[tuple[ast.expr, Scope]]:
    """The elements of a list that a scope binds to a name, each with where it stands."""
    reader = ListReader(evaluate)
    reader.named(name, scope)
    return reader.elements


class ListReader:
    """Reads one list, and those that it is made of. ``is_open``: more may be in it than could be read."""

    def __init__(self, evaluate: Evaluator) -> None:
        self.elements: list[tuple[ast.expr, Scope]] = []
        self.is_open = False
        self._evaluate = evaluate
        self._busy: set[tuple[Scope, str]] = set()

    def named(self, name: str, scope: Scope) -> None:
        """Read a list by its name."""
        if (scope, name) not in self._busy:
            self._busy.add((scope, name))
            self._follow(name, scope, self._several, self.named)
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
        self.elements.append((item, scope))

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
