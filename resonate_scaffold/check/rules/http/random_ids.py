"""RS409: random ids that the caller never learns."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import only_logged
from resonate_scaffold.check.rules.http.handles import kept_as
from resonate_scaffold.code.facts import Start
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import kind_of
from resonate_scaffold.code.scopes import Bound, Scope, above, is_within, loads
from resonate_scaffold.code.values import External, Function

_SAYS_NO_ID = frozenset({"created_at", "done", "settled_at", "state", "tags", "timeout_at"})


def random_ids(model: Model, handler: Scope) -> Iterator[Finding]:
    for start in model.starts.get(handler, ()):
        if start.id is None or start.kind == "schedule" or not _is_random(model, start.id, handler):
            continue
        if not _is_carried(model, start, handler) and not _is_told(model, start.node, handler):
            message = (
                f"{handler.name} starts work under a random id that its answer does not carry: nobody can ask for it"
            )
            hint = "Answer with the id, or derive it from the request (an Idempotency-Key), so that a retry finds it."
            yield finding("RS409", start.node, handler, message, hint)


def _is_random(model: Model, node: ast.expr, scope: Scope, depth: int = 0) -> bool:
    """Whether an id has a random part, whoever asks: one that is only a default does not count."""
    if depth > 5:
        return False
    match node:
        case ast.Name(id=name):
            bound = scope.bindings.get(name, ())
            values = [it.node for it in bound if it.how is Bound.value and isinstance(it.node, ast.expr)]
            return len(bound) == 1 == len(values) and _is_random(model, values[0], scope, depth + 1)
        case ast.JoinedStr(values=several) | ast.Tuple(elts=several) | ast.List(elts=several):
            return any(_is_random(model, it, scope, depth + 1) for it in several)
        case ast.BinOp(left=left, right=right):
            return any(_is_random(model, it, scope, depth + 1) for it in (left, right))
        case ast.FormattedValue(value=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner):
            return _is_random(model, inner, scope, depth + 1)
        case ast.Call():
            return _draws(model, node, scope, depth)
    return False


def _draws(model: Model, call: ast.Call, scope: Scope, depth: int) -> bool:
    function = model.evaluate.value(call.func, scope)
    if isinstance(function, External) and kind_of(function.name) in ("uuid", "random"):
        return True
    if isinstance(function, Function):
        returned = [it.value for it in function.scope.found(ast.Return) if it.value is not None]
        if isinstance(function.scope.node, ast.Lambda):
            returned = [function.scope.node.body]
        if len(returned) == 1 and _is_random(model, returned[0], function.scope, depth + 1):
            return True
    inner = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return any(_is_random(model, it, scope, depth + 1) for it in (*inner, *call.args))


def _is_carried(model: Model, start: Start, handler: Scope) -> bool:
    """Whether what the id is made of, or goes into, is used for anything else than the start and logs."""
    assert start.id is not None
    names = {it.id for it in ast.walk(start.id) if isinstance(it, ast.Name) and _is_random(model, it, handler)}
    seen: set[str] = set()
    while names - seen:
        name = (names - seen).pop()
        seen.add(name)
        for binding in handler.bindings.get(name, ()):
            if binding.how is Bound.value:
                inner = (it for it in ast.walk(binding.node) if isinstance(it, ast.Name))
                names |= {it.id for it in inner if _is_random(model, it, handler)}
        for use in (*_also_given_to(name, handler), *(it for it, _ in loads(name, handler))):
            if is_within(use, start.node) or only_logged(model, use, handler):
                continue
            targets = kept_as(use)
            if not targets:
                return True
            names |= targets
    return False


def _also_given_to(name: str, handler: Scope) -> Iterator[ast.expr]:
    """What a variable's value goes to besides: `answer["id"] = name = …`, `{"id": (name := …)}`."""
    for binding in handler.bindings.get(name, ()):
        match above(binding.node):
            case ast.NamedExpr() as whole:
                yield whole
            case ast.Assign(targets=[_, _, *_], value=value):
                yield value


def _is_told(model: Model, node: ast.expr, handler: Scope, depth: int = 0) -> bool:
    """Whether the answer may have the id from what a start gives: from its handle, its record, or its result."""
    up: ast.AST | None = above(node)
    below: ast.AST = node
    while isinstance(up, ast.Await | ast.Attribute) or (isinstance(up, ast.Call) and up.func is below):
        if isinstance(up, ast.Attribute) and up.attr in _SAYS_NO_ID:
            return False
        below, up = up, above(up)
    if isinstance(up, ast.Expr) or only_logged(model, below, handler):
        return False
    kept = kept_as(below) if isinstance(up, ast.stmt) else set()
    if kept and depth < 4:
        uses = (use for name in kept for use, _ in loads(name, handler))
        return any(_is_told(model, use, handler, depth + 1) for use in uses)
    return True
