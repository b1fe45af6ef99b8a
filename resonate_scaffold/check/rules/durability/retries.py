"""RS307: retries that never end."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import is_given
from resonate_scaffold.code.facts import Registration
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import Scope

_MOST_RETRIES = 1000
_POLICIES = frozenset({"resonate.retry.Exponential", "resonate.retry.Constant", "resonate.retry.Linear"})
_ENDLESS = frozenset({"sys.maxsize", "math.inf"})


def retries(model: Model) -> Iterator[Finding]:
    """RS307."""
    bare: dict[ast.Call, Registration] = {}
    for it in model.registrations:
        if it.client is not None and it.client.node is not None and not it.retries:
            bare.setdefault(it.client.node, it)
    for client in model.clients:
        assert client.node is not None and client.scope is not None
        if client.node not in bare or any(it.arg is None for it in client.node.keywords) or model.is_stale(client):
            continue
        if not is_given(model, argument(client.node, "retry_policy"), client.scope):
            which = bare[client.node].name or "a function"
            message = (
                f"functions of this client ({which}) are retried 30 times with doubling pauses, which takes decades: "
                "a failing one stays pending"
            )
            hint = (
                "Give Resonate(retry_policy=…) or register(retry_policy=…), such as "
                "Exponential(delay=1, factor=2, max_delay=30, max_retries=5)."
            )
            yield finding("RS307", client.node, client.scope, message, hint)
    for scope in model.scopes:
        for call in scope.calls:
            if model.evaluate.external(call.func, scope) in _POLICIES and _is_endless(model, call, scope):
                message = (
                    "with this policy a function that keeps failing is retried for years, and its promise stays pending"
                )
                hint = "Bound it: a handful of retries, then a failure that is seen."
                yield finding("RS307", call, scope, message, hint)


def _is_endless(model: Model, policy: ast.Call, scope: Scope) -> bool:
    most = argument(policy, "max_retries")
    if most is None:
        return False
    number = model.evaluate.number(most, scope)
    return number > _MOST_RETRIES if number is not None else model.evaluate.external(most, scope) in _ENDLESS
