"""RS209: the order of a set, which differs from process to process, and where it goes.

An order that reaches only the result of a workflow harms nothing: the result is recorded once. One that reaches a
durable call, or decides which calls come first, makes a replay read the wrong records.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import assigned_name, whose
from resonate_scaffold.code.evaluate import DURABLE
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Bound, Scope, above, is_within, loads
from resonate_scaffold.code.values import Class, Collection, Constant, Context, External, Function, Method, Text

# What gives its argument's elements on in their order.
_KEEPING = re.compile(
    r"builtins\.(list|tuple|enumerate|zip|reversed|map|filter|iter|next|str|repr|dict|str\.join|dict\.fromkeys)"
    r"|collections\.(deque|OrderedDict)|itertools\.(?!permutations|product|combinations)\w+(\.from_iterable)?|json\.dumps"
)
_FILLING = frozenset({"append", "appendleft", "extend", "insert"})
_OF_KEYS = frozenset(
    {"builtins.list", "builtins.tuple", "builtins.iter", "builtins.next", "builtins.enumerate", "builtins.zip"}
)
_WHOLE = frozenset({"builtins.list", "builtins.tuple"})
_FARTHEST = 8  # steps by variables and returns


class SetOrder:
    """Follows the order of sets through the code of workflows."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._callers: dict[Scope, list[tuple[ast.Call, Scope]]] = {}
        for scope in model.workflow_code:
            for call, callee in model.plain_calls.get(scope, ()):
                self._callers.setdefault(callee, []).append((call, scope))

    def findings(self, scope: Scope, workflow: Scope) -> Iterator[Finding]:
        """Where *scope* goes through a set, and it matters."""
        message = (
            f"{whose(scope, workflow)} goes through a set: its order differs between processes, "
            "so a replay reads the records of other calls"
        )
        for node, stands in self._orderings(scope):
            seen: set[object] = set()
            if self._loop_matters(node, scope, seen) if isinstance(node, ast.For) else self._reaches(node, scope, seen):
                yield finding("RS209", stands, scope, message, "Sort it first: sorted(…).")

    def _orderings(self, scope: Scope) -> Iterator[tuple[ast.AST, ast.AST]]:
        """Where a set becomes something with an order: what carries the order, and the node to point at."""
        for node in scope.nodes:
            if isinstance(node, ast.For) and self._is_set(node.iter, scope):
                yield node, node.iter
            elif isinstance(node, ast.comprehension) and self._is_set(node.iter, scope):
                yield node.iter, node.iter
            elif isinstance(node, ast.Starred) and self._is_set(node.value, scope):
                yield node, node
        for call in scope.calls:
            name = self._model.evaluate.external(call.func, scope)
            if name is None:
                continue
            if name == "builtins.set.pop" or (
                _KEEPING.fullmatch(name)
                and name not in ("builtins.str", "builtins.repr")
                and any(self._is_set(it, scope) for it in call.args)
            ):
                yield call, call

    def _is_set(self, node: ast.expr, scope: Scope) -> bool:
        value = self._model.evaluate.value(node, scope)
        if not isinstance(value, Collection) or value.kind != "set":
            return False
        # Numbers are their own hashes: they come in the same order everywhere.
        elements = value.node.elts if isinstance(value.node, ast.Set) else ()
        if elements and all(isinstance(it, ast.Constant) and type(it.value) is int for it in elements):
            return False
        return not (isinstance(node, ast.Name) and _says_numbers(node.id, scope))

    def _reaches(self, node: ast.AST, scope: Scope, seen: set[object]) -> bool:
        """Whether the order that an expression has reaches a durable call."""
        if node in seen or len(seen) > _FARTHEST * 4:
            return False
        seen.add(node)
        if isinstance(node, ast.Call) and self._applies_durably(node, scope):
            return True
        up = above(node)
        match up:
            case ast.Call() if self._is_handed_over(node, up, scope):
                return False
            case ast.Call() if up.func is not node:
                return self._takes(up, scope) or (self._keeps(up, scope) and self._reaches(up, scope, seen))
            case ast.comprehension():
                owner = above(up)
                if owner is None or self._calls_within(owner, scope):
                    return owner is not None
                if isinstance(owner, ast.DictComp):
                    return self._mapping_reaches(owner, scope, seen)
                return not isinstance(owner, ast.SetComp) and self._reaches(owner, scope, seen)
            case ast.For():
                return self._loop_matters(up, scope, seen)
            case ast.Attribute():
                called = above(up)
                return isinstance(called, ast.Call) and called.func is up and self._reaches(called, scope, seen)
            case ast.IfExp() if up.test is node:
                return False
            case ast.Subscript() if up.value is not node:
                return False
            case ast.Set() | ast.Compare() | ast.BoolOp() | ast.UnaryOp() | ast.Lambda():
                return False
            case ast.NamedExpr(target=ast.Name(id=name)):
                return self._variable_reaches(name, scope, seen) or self._reaches(up, scope, seen)
            case ast.Return() | ast.Yield():
                return self._result_reaches(scope, seen)
            case ast.Assign(targets=[ast.Tuple(elts=targets) | ast.List(elts=targets)]):
                names = [it.value if isinstance(it, ast.Starred) else it for it in targets]
                return any(self._variable_reaches(it.id, scope, seen) for it in names if isinstance(it, ast.Name))
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                variable = assigned_name(up)
                return variable is not None and self._variable_reaches(variable, scope, seen)
            case ast.expr() | ast.keyword() | ast.FormattedValue():
                return self._reaches(up, scope, seen)
        return False

    def _mapping_reaches(self, node: ast.AST, scope: Scope, seen: set[object]) -> bool:
        """Whether anything goes through a dictionary that was filled in the order of a set. As a whole it has none."""
        if ("mapping", node) in seen:
            return False
        seen.add(("mapping", node))
        up = above(node)
        match up:
            case ast.For(iter=walked) if walked is node:
                return self._loop_matters(up, scope, seen)
            case ast.comprehension():
                return self._reaches(node, scope, seen)
            case ast.Attribute(attr="items" | "keys" | "values"):
                called = above(up)
                return isinstance(called, ast.Call) and self._reaches(called, scope, seen)
            case ast.Starred():
                return self._reaches(up, scope, seen)
            case ast.Call() if up.func is not node and not self._takes(up, scope):
                return self._keeps_keys(up, scope) and self._reaches(up, scope, seen)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                return self._variable_maps(name, scope, seen)
            case ast.Return():
                return any(self._mapping_reaches(it, holder, seen) for it, holder in self._callers.get(scope, ()))
        return False

    def _keeps_keys(self, call: ast.Call, scope: Scope) -> bool:
        """Whether a call makes of a dictionary something that has the order of its keys."""
        name = self._model.evaluate.external(call.func, scope)
        return name is not None and name in _OF_KEYS

    def _variable_maps(self, name: str, scope: Scope, seen: set[object]) -> bool:
        if ("mapping", scope, name) in seen or self._is_sorted(name, scope):
            return False
        seen.add(("mapping", scope, name))
        return any(self._mapping_reaches(it, holder, seen) for it, holder in loads(name, scope))

    def _is_handed_over(self, node: ast.AST, call: ast.Call, scope: Scope) -> bool:
        """Whether `ctx.run` gets a whole set as a list: a call takes no set, so its step will make one of it again."""
        whole = isinstance(node, ast.Call) and self._model.evaluate.external(node.func, scope) in _WHOLE
        return whole and any(it.node is call and it.kind == "run" for it in self._model.durable_calls.get(scope, ()))

    def _takes(self, call: ast.Call, scope: Scope) -> bool:
        """Whether a call is a durable one, or of a function that makes some."""
        if any(it.node is call for it in self._model.durable_calls.get(scope, ())):
            return True
        function = self._model.evaluate.value(call.func, scope)
        return isinstance(function, Function) and self._model.makes_durable_calls(function.scope)

    def _keeps(self, call: ast.Call, scope: Scope) -> bool:
        """Whether what a call gives has the order of its argument."""
        function = self._model.evaluate.value(call.func, scope)
        if isinstance(function, External):
            return _KEEPING.fullmatch(function.name) is not None
        return isinstance(function, Class)

    def _applies_durably(self, call: ast.Call, scope: Scope) -> bool:
        """Whether it is a `map` of what makes durable calls."""
        if (
            self._model.evaluate.external(call.func, scope) not in ("builtins.map", "itertools.starmap")
            or not call.args
        ):
            return False
        function = self._model.evaluate.value(call.args[0], scope)
        if isinstance(function, Method):
            return isinstance(function.of, Context) and function.name in DURABLE
        return isinstance(function, Function) and self._model.makes_durable_calls(function.scope)

    def _calls_within(self, holder: ast.AST, scope: Scope) -> bool:
        """Whether durable calls are made in a loop or a comprehension."""
        if any(is_within(it.node, holder) for it in self._model.durable_calls.get(scope, ())):
            return True
        return any(
            self._model.makes_durable_calls(callee) and is_within(call, holder)
            for call, callee in self._model.plain_calls.get(scope, ())
        )

    def _loop_matters(self, loop: ast.For, scope: Scope, seen: set[object]) -> bool:
        """Whether a loop makes durable calls, or leaves behind what depends on its order and reaches one."""
        if self._calls_within(loop, scope):
            return True
        for inner in ast.walk(loop):
            match inner:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if method in _FILLING:
                    found = self._variable_reaches(name, scope, seen)
                case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name))]) if _is_own_mapping(name, scope):
                    found = self._variable_maps(name, scope, seen)
                case ast.AugAssign(target=ast.Name(id=name)) if self._has_order(name, scope):
                    found = self._variable_reaches(name, scope, seen)
                case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
                    found = self._result_reaches(scope, seen)
                case ast.Yield():
                    found = self._result_reaches(scope, seen)
                case ast.Break():
                    found = any(self._left_behind(name, loop, scope, seen) for name in _stored(loop))
                case _:
                    continue
            if found:
                return True
        return False

    def _has_order(self, name: str, scope: Scope) -> bool:
        """Whether a variable begins as text or a list: to add to it is to put at its end."""
        for binding in scope.bindings.get(name, ()):
            if binding.how is Bound.value and isinstance(binding.node, ast.expr):
                value = self._model.evaluate.value(binding.node, scope)
                if isinstance(value, Text) or (isinstance(value, Constant) and isinstance(value.value, str)):
                    return True
                return isinstance(value, Collection) and value.kind == "list"
        return False

    def _left_behind(self, name: str, loop: ast.For, scope: Scope, seen: set[object]) -> bool:
        """Whether a variable that a loop had at its early end goes to a durable call."""
        return any(not is_within(it, loop) and self._reaches(it, holder, seen) for it, holder in loads(name, scope))

    def _variable_reaches(self, name: str, scope: Scope, seen: set[object]) -> bool:
        if (scope, name) in seen or self._is_sorted(name, scope):
            return False
        seen.add((scope, name))
        return any(self._reaches(it, holder, seen) for it, holder in loads(name, scope))

    def _result_reaches(self, scope: Scope, seen: set[object]) -> bool:
        """Whether what a function gives goes to a durable call of one that calls it."""
        return any(self._reaches(call, caller, seen) for call, caller in self._callers.get(scope, ()))

    def _is_sorted(self, name: str, scope: Scope) -> bool:
        """Whether a list is put in order before anything is made of it."""
        for call in scope.calls:
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=sorted_name), attr="sort")) if sorted_name == name:
                    return True
                case ast.Call(args=[ast.Name(id=given), *_]) if given == name and assigned_name(above(call)) == name:
                    if self._model.evaluate.external(call.func, scope) == "builtins.sorted":
                        return True
        return False


def _says_numbers(name: str, scope: Scope) -> bool:
    """Whether a variable is annotated as a set of numbers."""
    return any(
        isinstance(it.annotation, ast.Subscript)
        and isinstance(it.annotation.slice, ast.Name)
        and it.annotation.slice.id in ("int", "float", "bool")
        for it in scope.bindings.get(name, ())
    )


def _is_own_mapping(name: str, scope: Scope) -> bool:
    """Whether a variable begins as an empty dictionary."""
    bound = scope.bindings.get(name, ())
    return len(bound) == 1 and isinstance(bound[0].node, ast.Dict) and not bound[0].node.keys


def _stored(loop: ast.For) -> set[str]:
    return {it.id for it in ast.walk(loop) if isinstance(it, ast.Name) and isinstance(it.ctx, ast.Store)}
