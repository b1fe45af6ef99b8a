"""RS302: steps that make durable calls with the context of their workflow."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Scope
from resonate_scaffold.code.values import Context


def parent_contexts(model: Model) -> Iterator[Finding]:
    """RS302: in a step, and in the functions around which the same workflow stands and that the step calls."""
    steps = {
        call.function
        for calls in model.durable_calls.values()
        for call in calls
        if call.kind == "run" and call.function is not None
    }
    hint = "Use the context that the step itself gets."
    told: set[ast.Call] = set()
    for step in sorted(steps, key=lambda it: (it.module.path, it.line)):
        around = set(_outwards(step))
        for scope in _code_of(model, step, around):
            for node, context in _uses_of_contexts(model, scope):
                if context.scope in around and node not in told:
                    told.add(node)
                    message = (
                        f"{_name(step)} runs as a step and makes a durable call with the context of "
                        f"{context.scope.name}: ids come in another order at a replay"
                    )
                    yield finding("RS302", node, scope, message, hint)


def _outwards(scope: Scope) -> Iterator[Scope]:
    """The functions that a function stands in."""
    outer = scope.outer
    while outer is not None and outer.outer is not None:
        yield outer
        outer = outer.outer


def _code_of(model: Model, step: Scope, around: set[Scope]) -> list[Scope]:
    """A step, the functions in it, and those beside it that it calls: all that can see the context around it."""
    found = [step]
    for scope in found:
        called = [callee for _, callee in model.plain_calls.get(scope, ()) if callee.outer in around]
        found += [it for it in (*scope.inner, *called) if it not in found]
    return found


def _uses_of_contexts(model: Model, scope: Scope) -> Iterator[tuple[ast.Call, Context]]:
    """The durable calls of a function, and its calls of functions that make some with a context that it hands on."""
    for call in model.durable_calls.get(scope, ()):
        yield call.node, call.context
    for node, callee in model.plain_calls.get(scope, ()):
        if model.makes_durable_calls(callee):
            for given in (*node.args, *(it.value for it in node.keywords)):
                value = model.evaluate.value(given, scope)
                if isinstance(value, Context):
                    yield node, value


def _name(scope: Scope) -> str:
    return "a lambda" if isinstance(scope.node, ast.Lambda) else scope.name
