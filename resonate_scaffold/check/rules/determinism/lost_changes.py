"""RS213: steps that change what their workflow goes on with."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import only_logged
from resonate_scaffold.check.rules.determinism.state import MUTATING
from resonate_scaffold.code.facts import DurableCall
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import Scope, above, enclosing, is_within
from resonate_scaffold.code.values import Collection, Instance, Value

_LOOPS = (ast.For, ast.AsyncFor, ast.While)


class LostChanges:
    """What a step does to a variable, a list or an argument of its workflow: only the step's result is recorded."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def findings(self, scope: Scope, workflow: Scope) -> Iterator[Finding]:
        """Each change by a step that *scope* runs, and that it reads after that."""
        for call in self._model.durable_calls.get(scope, ()):
            if call.kind == "run" and call.function is not None:
                told: set[str] = set()
                for change, name in self._around(call.function, scope):
                    if name not in told and self._is_read(name, change, call.node, scope):
                        told.add(name)
                        yield self._finding(change, name, call.function, scope)
                for given, change in self._given(call, scope):
                    if given.id not in told and self._is_read(given.id, change, call.node, scope):
                        told.add(given.id)
                        yield self._finding(given, given.id, call.function, scope)

    def _finding(self, node: ast.AST, name: str, step: Scope, scope: Scope) -> Finding:
        who = "a lambda" if isinstance(step.node, ast.Lambda) else step.name
        message = (
            f"{who} runs as a step and changes {name} of {scope.name}: a replay takes the step's recorded result and "
            "does not run it, so the change is lost"
        )
        return finding("RS213", node, scope, message, f"Return what is new, and assign it: {name} = await ctx.run(…).")

    def _around(self, step: Scope, scope: Scope) -> Iterator[tuple[ast.AST, str]]:
        """The changes of variables of *scope* in a step that stands in it."""
        if step.outer is not scope or isinstance(scope.node, ast.Module):
            return
        for holder in (step, *step.inner):
            for node, name in self._changes(holder):
                if name in scope.bindings and name not in step.bindings and name not in holder.bindings:
                    yield node, name

    def _given(self, call: DurableCall, scope: Scope) -> Iterator[tuple[ast.Name, ast.AST]]:
        """The arguments, variables of *scope*, that a step changes, each with where it does."""
        step = call.function
        assert step is not None
        if isinstance(step.node, ast.Lambda):
            return
        for place, parameter in enumerate((*step.positional[1:], *step.arguments.kwonlyargs)):
            given = argument(call.node, parameter.arg, place + 1 if parameter in step.positional else None)
            if isinstance(given, ast.Name) and given.id in scope.bindings and len(step.bindings[parameter.arg]) == 1:
                known = self._model.evaluate.value(given, scope)
                yield from ((given, node) for node, name in self._changes(step, known) if name == parameter.arg)

    def _changes(self, scope: Scope, given: Value | None = None) -> Iterator[tuple[ast.AST, str]]:
        """Where a function assigns a variable of another one, or changes a list, a dictionary or an object."""
        for call in scope.calls:
            match call.func:
                case ast.Attribute(value=ast.Name(id=name) as held, attr=method) if method in MUTATING:
                    if isinstance(self._model.evaluate.value(held, scope) or given, Collection):
                        yield call, name
        for node in scope.nodes:
            match node:
                case ast.Name(id=name, ctx=ast.Store()) if name in scope.globals:
                    yield node, name
                case ast.Subscript(value=ast.Name(id=name) as held, ctx=ast.Store() | ast.Del()):
                    if isinstance(self._model.evaluate.value(held, scope) or given, Collection):
                        yield node, name
                case ast.Attribute(value=ast.Name(id=name) as held, ctx=ast.Store()):
                    if _is_data(self._model.evaluate.value(held, scope) or given):
                        yield node, name

    def _is_read(self, name: str, change: ast.AST, call: ast.Call, scope: Scope) -> bool:
        """Whether a workflow reads, after a step, what the step has changed; not where it is assigned anew."""
        assigned = [it.node for it in scope.bindings[name] if it.inside is None]
        if any(_is_later(it, call) for it in assigned):
            return False
        loop = next((it for it in enclosing(call) if isinstance(it, _LOOPS)), None)
        if loop is not None and any(is_within(it, loop) for it in assigned):
            loop = None  # each round begins anew
        for node in scope.found(ast.Name):
            if node.id != name or not isinstance(node.ctx, ast.Load) or is_within(node, call):
                continue
            later = _is_later(node, call) or (loop is not None and is_within(node, loop))
            if later and not only_logged(self._model, node, scope) and _fits(node, change):
                return True
        return False


def _is_later(node: ast.AST, call: ast.Call) -> bool:
    """Whether a node stands behind a call, or the call is what it is assigned."""
    if is_within(call, node):
        return True
    return (getattr(node, "lineno", 0), getattr(node, "col_offset", 0)) > (
        call.end_lineno or 0,
        call.end_col_offset or 0,
    )


def _fits(read: ast.Name, change: ast.AST) -> bool:
    """Whether what is read may be what was changed: of an attribute itself, or all of the object."""
    up = above(read)
    return not isinstance(change, ast.Attribute) or not isinstance(up, ast.Attribute) or up.attr == change.attr


def _is_data(value: Value | None) -> bool:
    """Whether something is an object of plain fields: a dataclass, a model."""
    return isinstance(value, Instance) and bool(value.class_.fields)
