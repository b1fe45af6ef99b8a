"""RS101 and RS102: calls of names, and of groups, that are not there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.rules.wiring.groups import likely_group
from resonate_scaffold.check.rules.wiring.options import Replaced
from resonate_scaffold.code.facts import Registration, Start
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.registrations import DEFAULT_GROUP
from resonate_scaffold.code.scopes import Module, Scope
from resonate_scaffold.code.values import Options


def calls_by_name(model: Model, replaced: dict[ast.Call, Replaced]) -> Iterator[Finding]:
    """RS101 and RS102. A call whose target or version was lost is RS111's."""
    for scope, calls in model.durable_calls.items():
        for call in calls:
            if call.kind not in ("rpc", "detached") or call.name is None or _is_lost(call.options, replaced):
                continue
            target = model.target(call.options, scope)
            groups = {target.group} if target.said else model.own_groups(scope)
            version = _version(model, call.options, scope)
            yield from _named(model, call.name, version, groups, call.node, scope, said=target.said)
    for scope, starts in model.starts.items():
        for start in starts:
            if start.client is None or start.name is None or start.kind in ("create", "run"):
                continue
            if _is_lost(start.client.options, replaced) or " " in start.name:  # arguments in the order of old
                continue
            target = model.target(start.client.options, scope)
            groups = {target.group} if target.said else {model.group_of(start.client)}
            version = _version_started(model, start, scope)
            yield from _named(model, start.name, version, groups, start.node, scope, said=target.said)
    for scope in model.scopes:
        for node in scope.calls:
            if model.evaluate.external(node.func, scope) == "resonate.types.TaskData":
                name = model.evaluate.text(argument(node, "func"), scope)
                if name is not None:
                    given = argument(node, "version")
                    version = 1 if given is None else model.evaluate.number(given, scope)
                    yield from _named(model, name, version, _targets_in(model, scope), node, scope, said=True)


def _is_lost(options: Options, replaced: dict[ast.Call, Replaced]) -> bool:
    dropped = replaced[options.node].dropped if options.node in replaced else ()
    return "target" in dropped or "version" in dropped


def _version(model: Model, options: Options, scope: Scope) -> int | None:
    """The version that a call by name asks for; None where it is not known."""
    if options.version is None:
        return None if options.hide else 1
    return model.evaluate.number(options.version, options.scope or scope)


def _version_started(model: Model, start: Start, scope: Scope) -> int | None:
    if start.kind != "schedule":
        return _version(model, start.client.options, scope) if start.client is not None else None
    given = argument(start.node, "version", 6)
    return 1 if given is None else model.evaluate.number(given, scope)


def _targets_in(model: Model, scope: Scope) -> set[str | None]:
    """The groups that a function writes into tags: what its promises are sent to."""
    found: set[str | None] = set()
    for node in ast.walk(scope.node):
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(node, ast.Dict):
            pairs = list(zip(node.keys, node.values, strict=True))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            pairs = [(node.targets[0].slice, node.value)]
        for key, value in pairs:
            if isinstance(key, ast.Constant) and key.value == "resonate:target":
                found.add(model.target(Options(target=value), scope).group)
    return found


def _named(
    model: Model,
    name: str,
    version: int | None,
    groups: set[str | None],
    node: ast.AST,
    scope: Scope,
    *,
    said: bool,
) -> Iterator[Finding]:
    if len(groups) != 1 or None in groups or version is None or model.is_blind:
        return
    (wanted,) = groups
    assert wanted is not None
    known = model.by_name.get(name, [])
    if any(it.group is None and (it.client is None or it.client.node is None) for it in known):
        return
    group = model.groups.get(wanted)
    elsewhere = sorted({it.group for it in known if it.group is not None and it.group != wanted})
    if group is None:
        yield from _unknown_group(model, wanted, name, elsewhere, node, scope)
        return
    if model.is_open or group.is_open or group.stands_in or any(it.group is None for it in known):
        return
    if (name, version) in group.functions:
        return
    versions = sorted(number for known_name, number in group.functions if known_name == name)
    close = get_close_matches(name, [it for it, _ in group.functions], 1, 0.75)
    if versions:
        there = ", ".join(map(str, versions))
        message = f"{name!r} is called at version {version}, and group {wanted!r} registers version {there}"
        yield finding("RS101", node, scope, message, "Call a version that is registered, or register this one.")
    elif elsewhere:
        way = "the target" if said else "no target, so it goes to its own group:"
        message = f"{name!r} is called with {way} {wanted!r}, which does not register it; group {elsewhere[0]!r} does"
        yield finding("RS101", node, scope, message, f"Call it with options(target={elsewhere[0]!r}, timeout=…).")
    elif close or any(_is_beside(it, scope.module, wanted) for it in group.functions.values()):
        message = f"{name!r} is called, and group {wanted!r} registers no such function: the call waits for ever"
        hint = f"Did you mean {close[0]!r}?" if close else "Register it there, or call what is registered."
        yield finding("RS101", node, scope, message, hint)


def _is_beside(it: Registration, module: Module, group: str) -> bool:
    """Whether a registration is for the same group as a module's calls.

    Several programs in one repository have the default group in common, by name only.
    """
    return group != DEFAULT_GROUP or it.scope.module.path.parts[:-1][:1] == module.path.parts[:-1][:1]


def _unknown_group(
    model: Model, wanted: str, name: str, elsewhere: Sequence[str], node: ast.AST, scope: Scope
) -> Iterator[Finding]:
    if model.joins_unknown:
        return
    message = f"{name!r} is called in group {wanted!r}, which no process joins"
    close = likely_group(wanted, model)
    if elsewhere:
        message = f"{message}; group {elsewhere[0]!r} registers it"
        yield finding("RS102", node, scope, message, f"Use target={elsewhere[0]!r}.")
    elif close:
        yield finding("RS102", node, scope, message, f"Did you mean {close!r}?")
