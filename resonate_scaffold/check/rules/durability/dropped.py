"""RS305: durable calls that nobody awaits."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.facts import DurableCall
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Bound, Scope, above

_GATHERS = frozenset({"asyncio.gather", "asyncio.ensure_future"})


def dropped(model: Model) -> Iterator[Finding]:
    """RS305."""
    for scope, calls in model.durable_calls.items():
        if scope.yields:
            continue
        for call in calls:
            if call.kind != "detached" and _is_dropped(model, call.node, scope):
                message = (
                    f"the {_call_name(call)} is made and never awaited: its failure is lost, "
                    "and the workflow waits for it all the same"
                )
                hint = "Await it, or use ctx.detached for what nobody waits for."
                yield finding("RS305", call.node, scope, message, hint)


def _call_name(call: DurableCall) -> str:
    if call.kind in ("contract", "fan_out", "wait"):
        variable = call.contract.variable if call.contract else call.gate.variable if call.gate else ""
        return f"durable call of {variable}"
    return f"ctx.{call.kind}"


def _is_dropped(model: Model, node: ast.AST, scope: Scope) -> bool:
    """Whether what a call gives ends as a statement, or under a name that nobody reads."""
    place: int | None = None
    up = above(node)
    while True:
        match up:
            case ast.Expr():
                return True
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                return not _is_read(name, scope)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if place is not None:
                target = names[place] if len(names) == len(values) else None
                starred = any(isinstance(it, ast.Starred) for it in (*names, *values))
                return isinstance(target, ast.Name) and not starred and not _is_read(target.id, scope)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append")):
                return _is_own_list(name, scope) and not _is_read(name, scope)
            case ast.Call(func=function) if model.evaluate.external(function, scope) in _GATHERS:
                pass
            case ast.Tuple(elts=items):
                place = next((at for at, it in enumerate(items) if it is node), None) if place is None else None
            case ast.List() | ast.Set() | ast.ListComp() | ast.SetComp() | ast.BoolOp() | ast.IfExp() | ast.Starred():
                if isinstance(up, ast.IfExp) and up.test is node:
                    return False
            case _:
                return False
        node, up = up, above(up)


def _is_read(name: str, scope: Scope) -> bool:
    """Whether a function, or one inside it, reads a name, other than to append to what it holds."""
    if name in scope.globals:
        return True
    if any(it.id == name and isinstance(it.ctx, ast.Load) and not _appends(it) for it in scope.found(ast.Name)):
        return True
    return any(_is_read(name, inner) for inner in scope.inner)


def _appends(node: ast.Name) -> bool:
    """Whether a name stands there only to have something appended: `calls.append(…)`."""
    attribute = above(node)
    if not isinstance(attribute, ast.Attribute) or attribute.attr != "append":
        return False
    call = above(attribute)
    return isinstance(call, ast.Call) and call.func is attribute and isinstance(above(call), ast.Expr)


def _is_own_list(name: str, scope: Scope) -> bool:
    """Whether a name is a list that this function makes: nobody else has it."""
    bindings = scope.bindings.get(name, ())
    return bool(bindings) and all(it.how is Bound.value and isinstance(it.node, ast.List) for it in bindings)
