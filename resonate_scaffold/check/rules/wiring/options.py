"""RS111: options that replace others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Binding, Scope, above, statement_of
from resonate_scaffold.code.values import Client, Context, Value


class Replaced(NamedTuple):
    """Options that replace others, and what those set that is lost."""

    scope: Scope
    dropped: tuple[str, ...]


def options(replaced: dict[ast.Call, Replaced]) -> Iterator[Finding]:
    """RS111."""
    for call, (scope, dropped) in replaced.items():
        message = f"options() replaces the options before it: {', '.join(dropped)} is lost"
        yield finding("RS111", call, scope, message, "Give all of them in one options(…).")


def replaced_options(model: Model) -> dict[ast.Call, Replaced]:
    """The calls of `options` that drop what options before them set."""
    found: dict[ast.Call, Replaced] = {}
    for scope in model.scopes:
        for call in scope.calls:
            if not isinstance(call.func, ast.Attribute) or call.func.attr != "options":
                continue
            holder = model.evaluate.value(call.func.value, scope) or _before(model, call, scope)
            if not isinstance(holder, Context | Client) or holder.options.node is None:
                continue
            first, second = _names(holder.options.node), _names(call)
            if None not in second and first - second - {None}:
                found[call] = Replaced(scope, tuple(sorted(it for it in first - second if it is not None)))
    return found


def _before(model: Model, call: ast.Call, scope: Scope) -> Value | None:
    """What `x` is in `x = x.options(…)`: what the last assignment before says, if that always comes before."""
    name = call.func.value.id if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) else ""
    bindings = scope.bindings.get(name, [])
    for before, after in pairwise(bindings):
        if after.node is call and _comes_before(before, call):
            return model.evaluate.value(before.node, scope) if isinstance(before.node, ast.expr) else None
    return None


def _comes_before(binding: Binding, node: ast.AST) -> bool:
    """Whether a statement that binds a name stands in the same block as another, or in a block around it."""
    statement, own = statement_of(binding.node), statement_of(node)
    block = above(statement)
    while own is not None and above(own) is not block:
        own = above(own)  # type: ignore[assignment]
    if block is None or own is None:
        return False
    blocks = [it for it in (getattr(block, name, None) for name in block._fields) if isinstance(it, list)]
    return any(statement in it and own in it for it in blocks)


def _names(call: ast.Call) -> set[str | None]:
    return {it.arg for it in call.keywords}
