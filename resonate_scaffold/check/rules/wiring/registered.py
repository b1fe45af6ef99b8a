"""RS104 and RS106: functions that are registered twice, and functions that are called and are not registered."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.facts import Registration
from resonate_scaffold.code.lists import in_branch
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Scope, above


def registered_twice(model: Model) -> Iterator[Finding]:
    """RS104. Of two registrations both must be sure to happen."""
    seen: dict[tuple[object, str, int], Registration] = {}
    for it in model.registrations:
        if it.name is None or it.version is None or in_branch(it.node) or (it.home is not None and it.home.is_open):
            continue
        first = seen.setdefault((it.registry, it.name, it.version), it)
        if first.node is not it.node and (it.contract is not None or _run_together(model, first.scope, it.scope)):
            line = getattr(first.node, "lineno", 0)
            where = "" if first.scope.module is it.scope.module else f" of {first.scope.module.path}"
            message = f"{it.name!r} (version {it.version}) is registered twice: also in line {line}{where}"
            hint = "Register one of them under another name or version."
            if it.serve is not None and it.serve == first.serve:
                hint = "Remove one of the two."
            yield finding("RS104", it.node, it.scope, message, hint)


def _run_together(model: Model, one: Scope, other: Scope) -> bool:
    """Whether two places of code run in the same process, as far as one always calls the other."""
    if one is other:
        return True
    above_one, above_other = _always_runs(model, one), _always_runs(model, other)
    if above_one is None or above_other is None:
        return False
    modules = isinstance(one.node, ast.Module) or isinstance(other.node, ast.Module)
    return modules or not above_one.isdisjoint(above_other)


def _always_runs(model: Model, scope: Scope, depth: int = 0) -> set[Scope] | None:
    """A function and those that call it, and theirs; None if one of the calls stands in a branch."""
    found = {scope}
    for call, caller in model.evaluate.calls_of(scope) if not isinstance(scope.node, ast.Module) else ():
        higher = _always_runs(model, caller, depth + 1) if depth < 6 and caller not in found else set()
        if (in_branch(call) and not _is_main(call)) or higher is None:
            return None
        found |= higher
    return found


def _is_main(node: ast.AST) -> bool:
    """Whether a statement stands under `if __name__ == "__main__":`, which is no branch of the program."""
    up = above(node)
    while up is not None:
        if isinstance(up, ast.If) and "__main__" in ast.dump(up.test):
            return True
        up = above(up)
    return False


def unregistered(model: Model) -> Iterator[Finding]:
    """RS106."""
    if model.is_blind or model.handed_out or any(it.function is None for it in model.registrations):
        return
    methods = {it.name for it in model.by_function if it.class_ is not None}

    def missing(function: Scope | None) -> bool:
        if function is None or function in model.by_function or function.decorators:
            return False
        return function.class_ is None or function.name not in methods  # a subclass may have another

    hint = "Register it in the process that calls it by object, or call it by its name."
    for scope, calls in model.durable_calls.items():
        for call in calls:
            if call.kind == "rpc" and missing(call.function):
                assert call.function is not None
                message = (
                    f"{call.function.name} is called by object and registered nowhere: the call is made over and over"
                )
                yield finding("RS106", call.node, scope, message, hint)
    for scope, starts in model.starts.items():
        for start in starts:
            if start.kind in ("run", "rpc") and missing(start.function):
                assert start.function is not None
                message = f"{start.function.name} is started by object and registered nowhere"
                yield finding("RS106", start.node, scope, message, "Register it with this client first.")
