"""RS308: waits without a bound of their own."""

from __future__ import annotations

from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import is_given
from resonate_scaffold.code.facts import DurableCall
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import Scope


def timeouts(model: Model) -> Iterator[Finding]:
    """RS308."""
    bounded = _called_with_a_timeout(model)
    for scope, calls in model.durable_calls.items():
        for call in calls:
            if call.kind == "promise" and not {scope, model.workflow_code.get(scope)} & bounded:
                given = argument(call.node, "timeout", 0)
                # One with an id is of an older release: RS503 tells it.
                if is_given(model, given, scope) or any(it.arg in (None, "id") for it in call.node.keywords):
                    continue
                message = "this ctx.promise() has no timeout: if nobody answers, the workflow waits for a day"
                hint = "Give it one: ctx.promise(timeout=…), and decide what happens then."
                yield finding("RS308", call.node, scope, message, hint)
            elif call.kind == "rpc" and (group := _foreign_group(model, call)) is not None:
                assert call.options.node is not None
                message = (
                    f"this call to group {group!r} has no timeout: if the group does not answer, it waits for a day"
                )
                hint = "Give it one: options(target=…, timeout=timedelta(…))."
                yield finding("RS308", call.options.node, call.options.scope or scope, message, hint)


def _called_with_a_timeout(model: Model) -> set[Scope | None]:
    """The functions that are called with a timeout: whatever they wait for ends with that call."""
    found: set[Scope | None] = set()
    for scope, calls in model.durable_calls.items():
        for call in calls:
            if is_given(model, call.options.timeout, call.options.scope or scope):
                found.update(callees(model, call))
    return found - {None}


def callees(model: Model, call: DurableCall) -> list[Scope]:
    """The functions here that a durable call may mean."""
    if call.function is not None:
        return [call.function]
    name = call.contract.name if call.contract is not None else call.name
    return [it.function for it in model.by_name.get(name or "", ()) if it.function is not None]


def _foreign_group(model: Model, call: DurableCall) -> str | None:
    """The other group that a call goes to without a timeout."""
    options = call.options
    if options.node is None or any(it.arg is None for it in options.node.keywords):
        return None
    if options.target is None or is_given(model, options.timeout, options.scope or call.scope):
        return None
    # What is registered in a way that cannot be read may run in any group that is joined here.
    own = model.own_groups(call.scope) or model.groups.keys()
    return next((it for it in model.groups_named(options, call.scope) if it is not None and it not in own), None)
