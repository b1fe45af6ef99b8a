"""RS313: handlers of what never arrives from a durable call of a generated service."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.rules.durability.deadlines import code_of, workflows_of
from resonate_scaffold.check.rules.durability.json_values import bases, is_builtin_exception
from resonate_scaffold.check.rules.durability.timeout_errors import awaited_calls, is_tried
from resonate_scaffold.code.facts import Contract, DurableCall
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import ProgramClass, Scope, above
from resonate_scaffold.code.values import Class, External, Value

_FAILURE = "Failure"
_RAISES = ("raises", 6)  # The option of an `Rpc`, and its position.
_ARRIVES = frozenset({"builtins.BaseException", "builtins.Exception", "asyncio.CancelledError"})


def failures(model: Model) -> Iterator[Finding]:
    """RS313. It is silent about what something else in the `try` may raise."""
    seen = set[Scope]()
    for _, workflow in workflows_of(model):
        for scope in code_of(model, workflow):
            if scope not in seen:
                seen.add(scope)
                for handler in scope.found(ast.ExceptHandler):
                    yield from _handler(model, handler, scope)


def _handler(model: Model, handler: ast.ExceptHandler, scope: Scope) -> Iterator[Finding]:
    block = above(handler)
    if not isinstance(block, ast.Try) or handler.type is None:
        return
    calls = _tried(model, block, scope)
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    caught = [model.evaluate.value(name, scope) for name in names]
    if not calls or any(_may_arrive(model, kind, calls, block, scope) for kind in caught):
        return
    name = ast.unparse(names[0])
    if all(_is_failure(model, kind) for kind in caught):
        asked = next(it.contract for it in calls if it.contract is not None)
        message = (
            f"{asked.name or asked.variable} does not name {name} in its contract, so it arrives as a plain Failure"
        )
        hint = f"Give the contract raises=({name},), or catch Failure and look at its code."
    else:
        message = f"{scope.name} never gets here: what a durable call raises arrives as a Failure"
        own = any(isinstance(kind, Class) for kind in caught)
        let = f", or let {name} extend Failure" if own else ""
        hint = f"Catch StepFailed, whose `error` names what a step raised{let}."
    yield finding("RS313", handler, scope, message, hint)


def _tried(model: Model, block: ast.Try, scope: Scope) -> Sequence[DurableCall]:
    """The durable calls that a `try` awaits; none where it awaits anything else."""
    found: list[DurableCall] = []
    for node in scope.found(ast.Await):
        if is_tried(node, block):
            calls = awaited_calls(model, node.value, scope)
            if not calls or any(it.kind not in ("run", "contract") for it in calls):
                return ()
            found += calls
    return found


def _may_arrive(model: Model, kind: Value | None, calls: Sequence[DurableCall], block: ast.Try, scope: Scope) -> bool:
    """Whether a handler of this class may be entered."""
    if isinstance(kind, Class):
        if _is_runtimes(model, kind.class_):
            return True
        if _is_failure(model, kind):
            contracts = [it.contract for it in calls if it.kind == "contract"]
            steps = len(contracts) < len(calls)
            named = any(it is None or _names(model, it, kind.class_) for it in contracts)
            return steps or named or _raises(model, block, scope, kind.class_)
        known = [base for base in bases(model, kind.class_) if not isinstance(base, Class)]
        own = known and all(isinstance(it, External) and is_builtin_exception(it.name) for it in known)
        return not own or _raises(model, block, scope, kind.class_)
    if isinstance(kind, External):
        # Whatever else is called there may raise it.
        durable = {it.node for it in calls}
        others = any(call not in durable and is_tried(call, block) for call in scope.calls)
        return others or kind.name in _ARRIVES or kind.name.startswith("resonate.")
    return True


def _is_failure(model: Model, kind: Value | None) -> bool:
    """Whether it is a subclass of the runtime's `Failure`."""
    return isinstance(kind, Class) and any(
        isinstance(base, Class) and base.class_.name == _FAILURE and _is_runtimes(model, base.class_)
        for base in bases(model, kind.class_)
    )


def _is_runtimes(model: Model, class_: ProgramClass) -> bool:
    return model.is_machinery(class_.module)


def _names(model: Model, contract: Contract, class_: ProgramClass) -> bool:
    """Whether a contract's ``raises`` names a class, or a base of it; or may, where it cannot be read."""
    given = argument(contract.call, *_RAISES)
    if given is None:
        return False
    named = model.evaluate.each(given, contract.scope)
    if named is None:
        return True
    values = [model.evaluate.value(node, holder) for node, holder in named]
    wanted = {class_, *(base.class_ for base in bases(model, class_) if isinstance(base, Class))}
    return any(not isinstance(it, Class) or it.class_ in wanted for it in values)


def _raises(model: Model, block: ast.Try, scope: Scope, class_: ProgramClass) -> bool:
    """Whether a class is named in the `try` itself, or in the plain code that it calls: it may be raised there."""
    called = [callee for call, callee in model.plain_calls.get(scope, ()) if is_tried(call, block)]
    places = [(node, scope) for node in scope.nodes if is_tried(node, block)]
    places += [(node, it) for callee in called for it in model.reached(callee) for node in it.nodes]
    names = ((node, place) for node, place in places if isinstance(node, ast.Name | ast.Attribute))
    return any(model.evaluate.value(node, place) == Class(class_) for node, place in names)
