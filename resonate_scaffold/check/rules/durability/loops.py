"""RS312: loops of durable calls that nothing bounds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import whose
from resonate_scaffold.check.rules.durability.deadlines import code_of, deadline_of, duration_of, workflows_of
from resonate_scaffold.code.facts import DurableCall
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Scope, enclosing, is_within

MOST = 1000
"""Times that a loop may go round within the deadline of its workflow."""

_ENDLESS = frozenset({"itertools.count", "itertools.cycle", "itertools.repeat"})
_HINT = (
    "Bound it: for attempt in range(20), and fail after that; or hand over to a new run before the history is long. "
    "What waits in each round (ctx.sleep, a gate) is bounded by the workflow's timeout."
)


def loops(model: Model) -> Iterator[Finding]:
    """RS312. It is silent where a round waits, and it is not known for how long, or within which deadline."""
    deadlines: dict[Scope, timedelta | None] = {}
    for contract, workflow in workflows_of(model):
        for scope in code_of(model, workflow):
            deadlines[scope] = deadline_of(model, contract)
    for scope, workflow in model.workflow_code.items():
        for node in scope.nodes:
            if isinstance(node, ast.While | ast.For | ast.AsyncFor) and _is_endless(model, node, scope):
                calls = [it for it in model.durable_calls.get(scope, ()) if is_within(it.node, node)]
                if not calls and not _calls_durably(model, node, scope):
                    continue
                if not _is_paced(model, calls, deadlines.get(scope)) and not _is_counted(node):
                    message = (
                        f"{whose(scope, workflow)} makes durable calls in a loop without a bound: "
                        "each round makes its history longer, and every replay slower"
                    )
                    yield finding("RS312", node, scope, message, _HINT)


def _is_endless(model: Model, loop: ast.While | ast.For | ast.AsyncFor, scope: Scope) -> bool:
    """Whether only the body of a loop can end it."""
    if isinstance(loop, ast.While):
        return isinstance(loop.test, ast.Constant) and bool(loop.test.value)
    call = loop.iter
    if not isinstance(call, ast.Call):
        return False
    name = model.evaluate.external(call.func, scope)
    return name in _ENDLESS and not (name == "itertools.repeat" and len(call.args) + len(call.keywords) > 1)


def _calls_durably(model: Model, loop: ast.AST, scope: Scope) -> bool:
    """Whether a loop calls what makes durable calls."""
    return any(
        model.makes_durable_calls(callee) and is_within(call, loop) for call, callee in model.plain_calls.get(scope, ())
    )


def _is_paced(model: Model, calls: list[DurableCall], deadline: timedelta | None) -> bool:
    """Whether each round waits, so that few fit into the workflow's deadline, or it is not known how many."""
    waits = [it for it in calls if it.kind in ("wait", "sleep", "promise")]
    for call in waits:
        duration = duration_of(model, call)
        if duration is None or deadline is None or (duration and deadline / duration <= MOST):
            return True
    return False


def _is_counted(loop: ast.While | ast.For | ast.AsyncFor) -> bool:
    """Whether a loop ends, or its function, by what it has counted: `if tries > 9: raise …`."""
    counted = {
        it.target.id for it in ast.walk(loop) if isinstance(it, ast.AugAssign) and isinstance(it.target, ast.Name)
    }
    if isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call):
        counted |= {it.id for it in ast.walk(loop.target) if isinstance(it, ast.Name)}
    return any(
        isinstance(it, ast.If) and _reads(it.test, counted) and _ends(it, loop)
        for it in ast.walk(loop)
        if it is not loop
    )


def _reads(test: ast.expr, names: set[str]) -> bool:
    return any(
        isinstance(it, ast.Compare)
        and any(isinstance(part, ast.Name) and part.id in names for part in (it.left, *it.comparators))
        for it in ast.walk(test)
    )


def _ends(branch: ast.If, loop: ast.AST) -> bool:
    for statement in (*branch.body, *branch.orelse):
        for it in ast.walk(statement):
            if isinstance(it, ast.Return | ast.Raise) or (isinstance(it, ast.Break) and _loop_around(it) is loop):
                return True
    return False


def _loop_around(node: ast.AST) -> ast.AST | None:
    return next((it for it in enclosing(node) if isinstance(it, ast.While | ast.For | ast.AsyncFor)), None)
