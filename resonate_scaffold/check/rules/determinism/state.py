"""RS210: state of a module that a workflow changes, or reads while other code changes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import only_logged, whose
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Bound, Scope, enclosing
from resonate_scaffold.code.values import Collection, Function, Instance, ModuleOf, Thing

type Place = tuple[Scope, str]
"""A name of a module."""

MUTATING = frozenset(
    {
        "append", "extend", "insert", "remove", "pop", "clear", "add", "discard", "update", "setdefault", "popitem",
        "appendleft", "popleft", "extendleft", "rotate", "sort", "reverse", "subtract", "difference_update",
        "intersection_update", "symmetric_difference_update", "move_to_end",
    }
)  # fmt: skip
_HINT = "Pass it as an argument, keep it in a database that a step asks, or make it a constant."


class MutableGlobals:
    """Which names of modules change while workflows run, and where workflows depend on them."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._early: dict[Scope, bool] = {}
        self._called_at_import: set[Scope] | None = None
        self._callers: dict[Scope, set[Scope]] = {}
        self._changers: dict[Place, set[Scope]] = {}
        self._set_from_outside: set[Place] = set()
        for scope in model.scopes:
            if not isinstance(scope.node, ast.Module):
                changes = list(self._changes(scope))
                if changes and not self._runs_before(scope):
                    for node, place in changes:
                        self._changers.setdefault(place, set()).add(scope)
                        if isinstance(node, ast.Attribute):
                            self._set_from_outside.add(place)

    def findings(self, scope: Scope, workflow: Scope) -> Iterator[Finding]:
        """Where code of a workflow first touches a name whose value is not the same at each replay."""
        told: set[Place] = set()
        for node, place, changes in sorted(self._touched(scope), key=_position):
            if place in told:
                continue
            told.add(place)
            what = f"{whose(scope, workflow)} {'changes' if changes else 'reads'} {place[1]} of its module"
            why = "a replay changes it again, and another process does not have it"
            if not changes:
                why = "which other code changes: a replay may see another value"
            yield finding("RS210", node, scope, f"{what}{':' if changes else ','} {why}", _HINT)

    def _touched(self, scope: Scope) -> Iterator[tuple[ast.AST, Place, bool]]:
        remembered: set[Place] = set()
        own: set[Place] = set()
        for node, place in (*self._changes(scope), *self._attributes_set(scope)):
            if self._is_remembering(node, place, scope):
                remembered.add(place)
            else:
                own.add(place)
                yield node, place, True
        for it in scope.nodes:
            if not isinstance(it, ast.Name | ast.Attribute) or not isinstance(it.ctx, ast.Load):
                continue
            found = self._place(it, scope)
            if found is None:
                continue
            others = self._changers.get(found, set()) - ({scope} if found in remembered else set())
            if not others and found not in own:
                continue
            if found not in own and not self._is_collection(found) and self._is_set_up_once(found):
                continue
            if not only_logged(self._model, it, scope):
                yield it, found, False

    def _changes(self, scope: Scope) -> Iterator[tuple[ast.AST, Place]]:
        """Where a function changes what a module holds."""
        for call in scope.calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr in MUTATING:
                place = self._place(call.func.value, scope)
                if place is not None and self._is_collection(place):
                    yield call, place
            elif isinstance(call.func, ast.Name) and call.func.id == "next" and call.args:
                place = self._place(call.args[0], scope)
                if place is not None and self._model.evaluate.value(call.args[0], scope) == Thing("itertools.count"):
                    yield call, place
        for node in scope.nodes:
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
                place = self._place(node.value, scope)
                if place is not None and self._is_collection(place):
                    yield node, place
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in scope.globals:
                place = self._place(node, scope)
                if place is not None:  # `nonlocal` means another function's
                    yield node, place
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                value = self._model.evaluate.value(node.value, scope)
                if isinstance(value, ModuleOf):
                    yield node, (value.module.scope, node.attr)

    def _attributes_set(self, scope: Scope) -> Iterator[tuple[ast.AST, Place]]:
        """Where a function sets an attribute of an object that a module holds."""
        for node in scope.nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                place = self._place(node.value, scope)
                if place is not None and isinstance(self._model.evaluate.value(node.value, scope), Instance):
                    yield node, place

    def _place(self, node: ast.expr, scope: Scope) -> Place | None:
        """The module's name that an expression is: `CACHE`, `state.CACHE`."""
        if isinstance(node, ast.Attribute):
            value = self._model.evaluate.value(node.value, scope)
            return (value.module.scope, node.attr) if isinstance(value, ModuleOf) else None
        if not isinstance(node, ast.Name):
            return None
        holder: Scope | None = scope
        while holder is not None and (node.id not in holder.bindings or node.id in holder.globals):
            holder = holder.outer
        if holder is None or not isinstance(holder.node, ast.Module):
            return None
        for binding in holder.bindings[node.id]:
            if binding.how is Bound.imported and binding.member:
                path = self._model.program.importing(holder.module, binding.module, binding.level)
                module = self._model.program.modules.get(path) if path else None
                return (module.scope, binding.member) if module else None
        return holder, node.id

    def _is_collection(self, place: Place) -> bool:
        """Whether a module's name holds a list, a dictionary or a set."""
        holder, name = place
        return any(
            isinstance(binding.node, ast.expr)
            and isinstance(self._model.evaluate.value(binding.node, binding.inside or holder), Collection)
            for binding in holder.bindings.get(name, ())
            if binding.how is Bound.value
        )

    def _is_remembering(self, node: ast.AST, place: Place, scope: Scope) -> bool:
        """Whether a change only keeps what was computed: made where it is not there yet, and no durable call decides.

        Whoever asks gets the same, whether it was kept or not.
        """
        if scope in self._model.durable_calls or not isinstance(node, ast.Subscript | ast.Name):
            return False
        name = place[1]
        for it in enclosing(node):
            if isinstance(it, ast.If) and any(
                isinstance(part, ast.Name) and part.id == name for part in ast.walk(it.test)
            ):
                return isinstance(node, ast.Subscript) or self._is_set_up_once(place)
        return False

    def _is_set_up_once(self, place: Place) -> bool:
        """Whether a name gets its value once: set up by a function at start, as clients are."""
        holder, name = place
        values = [it for it in holder.bindings.get(name, ()) if not _is_nothing(it.node)]
        return len(values) + (place in self._set_from_outside) <= 1

    # -- what runs before any workflow does ---------------------------------------------------------------------------

    def _runs_before(self, function: Scope) -> bool:
        """Whether a function is called only while modules are imported, or by what makes the worker."""
        if self._called_at_import is None:
            self._called_at_import = self._find_calls()
        if function not in self._early:
            self._early[function] = False  # for one that calls itself
            callers = self._callers.get(function, set())
            used = bool(callers) or function in self._called_at_import
            self._early[function] = used and all(self._runs_before(it) for it in callers)
        return self._early[function]

    def _find_calls(self) -> set[Scope]:
        model = self._model
        found = {it.scope for it in model.registrations}
        found |= {it.scope for it in model.clients if it.scope is not None}
        for scope, calls in model.plain_calls.items():
            for _, callee in calls:
                if isinstance(scope.node, ast.Module):
                    found.add(callee)
                else:
                    self._callers.setdefault(callee, set()).add(scope)
        for scope in model.scopes:
            outer = scope.outer or scope
            for decorator in scope.decorators if isinstance(outer.node, ast.Module) else ():
                called = isinstance(decorator, ast.Call)
                value = model.evaluate.value(decorator.func if isinstance(decorator, ast.Call) else decorator, outer)
                if isinstance(value, Function):
                    # `@check` runs check; `@check("name")` runs what check gives, too.
                    found |= {value.scope, *(value.scope.inner if called else ())}
        return found


def _is_nothing(node: ast.AST) -> bool:
    return (isinstance(node, ast.Constant) and node.value is None) or isinstance(node, ast.AnnAssign)


def _position(touched: tuple[ast.AST, Place, bool]) -> tuple[int, int, bool]:
    node, _, changes = touched
    return int(getattr(node, "lineno", 0)), int(getattr(node, "col_offset", 0)), not changes
