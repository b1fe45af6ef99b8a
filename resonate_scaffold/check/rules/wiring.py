"""RS1xx: who calls what, and who serves it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import NamedTuple

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.facts import Contract, DurableCall, Registration, Start
from resonate_scaffold.code.lists import in_branch
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.registrations import CLIENT_ARGUMENTS, DEFAULT_GROUP
from resonate_scaffold.code.scopes import Binding, Bound, Module, ProgramClass, Scope, above, statement_of
from resonate_scaffold.code.served import function_of, serves
from resonate_scaffold.code.values import (
    Class,
    Client,
    Collection,
    Constant,
    Context,
    External,
    Function,
    Instance,
    Method,
    OneOf,
    Options,
    Thing,
    Value,
)

_LITERALS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int, bool),
    "float": (int, float, bool),
    "bool": (bool,),
    "bytes": (bytes, str),  # in JSON they are text
}
_COLLECTIONS = frozenset({"list", "dict", "set", "tuple"})
# Decorators that leave a function's parameters as they are.
_KEEPING = frozenset(
    {
        "builtins.staticmethod",
        "builtins.classmethod",
        "typing.override",
        "typing_extensions.override",
        "typing.final",
        "functools.cache",
        "functools.lru_cache",
        "abc.abstractmethod",
    }
)
_DIGITS = re.compile(r"\d+")
_SEPARATORS = re.compile(r"[\W_]+")


class Replaced(NamedTuple):
    """Options that replace others, and what those set that is lost."""

    scope: Scope
    dropped: tuple[str, ...]


def wiring(model: Model) -> Iterator[Finding]:
    """Whatever is called is served, where and as it is called."""
    replaced = _replaced(model)
    yield from _calls_by_name(model, replaced)
    yield from _contracts(model)
    yield from _groups_without_a_process(model)
    yield from _registered_twice(model)
    yield from _unregistered(model)
    yield from _unused(model)
    yield from _arguments(model)
    yield from _served_types(model)
    yield from _clients_at_import(model)
    yield from _options(replaced)
    yield from _dependencies(model)


def _calls_by_name(model: Model, replaced: dict[ast.Call, Replaced]) -> Iterator[Finding]:
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
    close = _likely_group(wanted, model)
    if elsewhere:
        message = f"{message}; group {elsewhere[0]!r} registers it"
        yield finding("RS102", node, scope, message, f"Use target={elsewhere[0]!r}.")
    elif close:
        yield finding("RS102", node, scope, message, f"Did you mean {close!r}?")


def _likely_group(wanted: str, model: Model) -> str | None:
    """The group that a name of none is a slip of the hand away from."""
    return next((it for it in sorted(model.groups) if _is_slip(wanted, it)), None)


def _is_slip(one: str, other: str) -> bool:
    """Whether two names differ by one letter of a longer word, or only in how their words are put together.

    `region-1` and `region-2`, `eu-west` and `us-west`, `orders-a` and `orders-b` are siblings.
    """
    words, others = _SEPARATORS.split(one.casefold()), _SEPARATORS.split(other.casefold())
    if "".join(words) == "".join(others):
        return True
    if _DIGITS.sub("0", one) == _DIGITS.sub("0", other):
        return False
    if len(words) == len(others):
        different = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
        return len(different) == 1 and _is_one_edit(*different[0])
    return _is_one_edit(one, other)


def _is_one_edit(one: str, other: str) -> bool:
    """Whether one letter too many, too few, or another, or two in the wrong order make the difference."""
    short, long = sorted((one, other), key=len)
    start = next((place for place, letter in enumerate(short) if letter != long[place]), len(short))
    if len(short) < len(long):
        return len(long) >= 4 and short[start:] == long[start + 1 :]
    if short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]:
        return len(long) >= 4
    return len(long) >= 6 and short[start + 1 :] == long[start + 1 :]


def _contracts(model: Model) -> Iterator[Finding]:
    """RS103, RS105, and RS102 of contracts. One that is served in the wrong place is served: RS105 alone tells."""
    served = {id(it.contract) for it in model.registrations if it.contract is not None}
    joined = {it.group for it in model.registrations if it.contract is not None and not it.stands_in}
    joined |= {it.group for it in model.workers if it.grouped}
    for contract in model.contracts.values():
        if id(contract) in served or contract.name is None or contract.group is None or model.is_blind:
            continue
        group = model.groups.get(contract.group)
        if group is None and not model.joins_unknown:
            close = _likely_group(contract.group, model)
            if close is not None:
                message = f"{contract.name!r} has a contract for group {contract.group!r}, which no process joins"
                yield finding("RS102", contract.call, contract.scope, message, f"Did you mean {close!r}?")
        elif group is not None and contract.group in joined and not group.is_open and not model.is_open:
            lacks = f"SERVED of group {contract.group!r} lacks it: calls wait for ever"
            message = f"{contract.name!r} has a contract, and {lacks}"
            yield finding("RS103", contract.call, contract.scope, message, _how_to_serve(model, contract))
    yield from _served_elsewhere(model)


def _how_to_serve(model: Model, contract: Contract) -> str:
    """What to do for a contract that nobody serves."""
    if not model.is_served_by_decorator(contract):
        return f"Add serve({contract.variable}, …) to that worker."
    written = next((function for function, meant in model.unlisted.items() if meant is contract), None)
    if written is not None:
        return f"Add {written.name} (line {written.line} of {written.module.path}) to that list."
    return f"Decorate its function with @serve({contract.variable}, …), and add the function to that list."


def _served_elsewhere(model: Model) -> Iterator[Finding]:
    """RS105: by a `worker.py`, which says its group; a process for all groups has other ways."""
    lists: dict[ast.AST, list[Registration]] = {}
    for it in model.registrations:
        if it.contract is not None:
            lists.setdefault(it.node, []).append(it)
    for node, several in lists.items():
        it = several[0]
        contract = it.contract
        assert contract is not None
        homes = [each.home for each in several if each.home is not None and each.home.module.path.name == "worker.py"]
        groups = {home.group for home in homes}
        if contract.group is None or not groups or not groups.isdisjoint({None, contract.group}):
            continue
        message = (
            f"{contract.name!r} belongs to group {contract.group!r}, and the worker of {homes[0].group!r} serves it"
        )
        yield finding("RS105", node, it.scope, message, "Serve it in its own group, or change the contract's.")


def _groups_without_a_process(model: Model) -> Iterator[Finding]:
    """RS102 of a worker: its group is not in the list from which its service's processes are made."""
    for listed in model.group_lists:
        for worker in model.workers:
            path = worker.module.path
            if worker.group in {None, *listed.names} or path.name != "worker.py" or listed.package not in path.parents:
                continue
            for binding in worker.module.scope.bindings["GROUP"]:
                message = f"group {worker.group!r} has a worker, and the service's GROUPS lacks it: no process joins it"
                hint = f"Add {worker.group!r} to the groups in {listed.module.path}."
                yield finding("RS102", binding.node, worker.module.scope, message, hint)


def _registered_twice(model: Model) -> Iterator[Finding]:
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
                hint = "Take one of the two out."
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


def _unregistered(model: Model) -> Iterator[Finding]:
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


def _unused(model: Model) -> Iterator[Finding]:
    """RS107."""
    yield from _unlisted(model)
    if not model.registrations or model.is_open:
        return
    registering = {it.scope.module.path.parts[0] for it in model.registrations}
    candidates = [
        it
        for it in model.durable_functions
        if it not in model.by_function
        and it.class_ is None
        and it.outer is it.module.scope
        and not it.decorators
        and isinstance(it.node, ast.FunctionDef | ast.AsyncFunctionDef)
        and it.module.path.parts[0] in registering
        and not _exports(it)
    ]
    if not candidates:
        return
    mentioned = _mentioned(model)
    for scope in candidates:
        if scope.name not in mentioned and not _is_quoted(model, scope.name):
            message = f"{scope.name} is a durable function that nothing registers, calls or mentions"
            yield finding("RS107", scope.node, scope, message, "Register it with its worker, or delete it.")


def _unlisted(model: Model) -> Iterator[Finding]:
    """RS107 of functions that are decorated, and in no list; where nobody serves their contract, RS103 tells it."""
    served = {id(it.contract) for it in model.registrations if it.contract is not None}
    groups = {it.group for it in model.workers}
    left = [it for it, meant in model.unlisted.items() if id(meant) in served or meant.group not in groups]
    used = _used_functions(model) if left else set()
    for function in left:
        if function not in used:
            message = f"{function.name} is decorated with serve, and stands in no SERVED: nobody runs it"
            yield finding("RS107", function.node, function, message, "Add it to SERVED of its worker, or delete it.")


def _used_functions(model: Model) -> set[Scope]:
    """The functions that some code reads, by whatever name."""
    values = (
        model.evaluate.value(node, scope)
        for scope in model.scopes
        for node in scope.nodes
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load)
    )
    return {it.scope for it in values if isinstance(it, Function)}


def _mentioned(model: Model) -> set[str]:
    """Every name that some code loads or imports; a function's own variables are no names of others."""
    found: set[str] = set()
    for module in model.program.modules.values():
        for scope in module.scopes:
            for node in scope.nodes:
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and not _is_own(node.id, scope):
                    found.add(node.id)
                elif isinstance(node, ast.Attribute):
                    found.add(node.attr)
            for bindings in scope.bindings.values():
                found.update(it.member for it in bindings if it.how is Bound.imported and it.member)
    return found


def _is_quoted(model: Model, name: str) -> bool:
    """Whether a name stands somewhere as a text, alone or as in `package.module:name`."""
    quoted = re.compile(rf"""["'](?:[\w.]+[.:])?{name}["']""".encode())
    return any(quoted.search(line) for module in model.program.modules.values() for line in module.lines)


def _is_own(name: str, scope: Scope) -> bool:
    """Whether a name is a variable of a function."""
    holder: Scope | None = scope
    while holder is not None and name not in holder.bindings:
        holder = holder.outer
    return holder is not None and holder.outer is not None and holder.bindings[name][0].how is not Bound.imported


def _exports(scope: Scope) -> bool:
    return "__all__" in scope.module.scope.bindings or scope.name.startswith("__")


def _arguments(model: Model) -> Iterator[Finding]:
    """RS108 and RS109."""
    for scope, calls in model.durable_calls.items():
        for call in calls:
            if call.kind == "contract":
                yield from _contract_call(model, call.contract, call.arguments, call.node, scope)
            elif call.kind in ("run", "rpc", "detached"):
                yield from _durable_arguments(model, call, scope)
    for scope, starts in model.starts.items():
        for start in starts:
            if start.client is None or start.kind not in ("run", "rpc", "schedule"):
                continue
            means: Scope | Contract | None
            if start.name is not None:
                target = model.target(start.client.options, scope)
                group = target.group if target.said else model.group_of(start.client)
                means = _named_by(model, start.name, _version_started(model, start, scope), group, target.said)
            else:
                means = _given(model, argument(start.node, "fn", 1) or argument(start.node, "func"), scope)
            if means is not None and start.kind != "schedule":
                yield from _fits(model, means, start.node, 2, scope)
            elif isinstance(means, Scope):
                yield from _fits_schedule(model, means, start.node, scope)


def _durable_arguments(model: Model, call: DurableCall, scope: Scope) -> Iterator[Finding]:
    means: Scope | Contract | None
    if call.name is None:
        means = _given(model, argument(call.node, "fn", 0), scope)
    elif call.kind == "run":
        means = _named_by(model, call.name, _version(model, call.options, scope), None, said=False)
    else:
        target = model.target(call.options, scope)
        groups = {target.group} if target.said else model.own_groups(scope)
        group = next(iter(groups)) if len(groups) == 1 else None
        means = _named_by(model, call.name, _version(model, call.options, scope), group, target.said)
    if means is not None:
        yield from _fits(model, means, call.node, 1, scope)


def _given(model: Model, node: ast.expr | None, scope: Scope) -> Scope | None:
    """The function that a call is given, if its parameters are those that it was written with."""
    return _as_written(model, model.evaluate.value(node, scope))


def _as_written(model: Model, value: Value | None) -> Scope | None:
    if not isinstance(value, Function) or value.partial or not _is_as_written(model, value.scope):
        return None
    unbound = value.scope.is_method and value.owner is None
    return None if unbound and not value.scope.decorators_named("classmethod") else value.scope


def _is_as_written(model: Model, function: Scope) -> bool:
    """Whether no decorator may have changed a function's parameters; what `serve` makes is called like it."""
    for decorator in function.decorators:
        if isinstance(decorator, ast.Call) and serves(model.evaluate, decorator, function.outer or function):
            continue
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        value = model.evaluate.value(inner, function.outer or function)
        if isinstance(value, Method) and isinstance(value.of, Client) and value.name == "register":
            continue
        if not isinstance(value, External) or value.name not in _KEEPING:
            return False
    return True


def _named_by(model: Model, name: str, version: int | None, group: str | None, said: bool) -> Scope | Contract | None:
    """The function that a name means, if it means one; of a contract's only the contract says what it takes."""
    if version is None or (said and group is None):
        return None
    known = [it for it in model.by_name.get(name, ()) if it.version in (version, None)]
    if group is not None:
        known = [it for it in known if it.group in (group, None)]
    means = {it.contract or it.function for it in known}
    if len(means) != 1:
        return None
    (only,) = means
    return None if isinstance(only, Scope) and not _is_as_written(model, only) else only


def _fits(model: Model, means: Scope | Contract, call: ast.Call, skip: int, scope: Scope) -> Iterator[Finding]:
    """Hold a call against the function's own parameters, the first of which is the context."""
    if any(isinstance(it, ast.Starred) for it in call.args) or any(it.arg is None for it in call.keywords):
        return
    if skip > len(call.args):
        return
    given = call.args[skip:]
    if isinstance(means, Scope):
        yield from _bind(model, means, given, call.keywords, call, scope)
    elif len(given) != 1 and (given or not call.keywords):
        message = f"{means.name} cannot be called like this: it has a contract, so it takes one request as JSON"
        yield finding("RS108", call, scope, message, f"Call {means.variable}, or give it the request and nothing else.")


def _bind(
    model: Model,
    function: Scope,
    given: Sequence[ast.expr],
    keywords: Sequence[ast.keyword],
    node: ast.AST,
    scope: Scope,
) -> Iterator[Finding]:
    arguments = function.arguments
    positional = function.positional[1:]
    only = [it for it in arguments.posonlyargs if it in positional]
    by_name = {it.arg: it for it in (*positional, *arguments.kwonlyargs) if it not in only}
    wrong: str | None = None
    taken = {it.arg for it in positional[: len(given)]}
    if len(given) > len(positional) and arguments.vararg is None:
        wrong = f"it takes {_count(len(positional))}, and gets {len(given)}"
    for keyword in keywords:
        if keyword.arg in taken and keyword.arg in by_name:
            wrong = wrong or f"it gets {keyword.arg!r} twice"
        elif keyword.arg not in by_name and arguments.kwarg is None:
            wrong = wrong or f"it has no parameter {keyword.arg!r}"
    if wrong is None:
        defaults = len(arguments.defaults)
        required = [it.arg for it in positional[: len(positional) - defaults if defaults else None]]
        needed = [
            it.arg for it, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default is None
        ]
        named = {it.arg for it in keywords}
        missing = [it for it in (*required, *needed) if it not in taken and it not in named]
        if missing:
            wrong = f"{', '.join(map(repr, missing))} is missing"
    if wrong is not None:
        line = f"line {function.line} of {function.module.path}"
        hint = f"Give it what it takes: {line}. A context is not among the arguments."
        yield finding("RS108", node, scope, f"{function.name} cannot be called like this: {wrong}", hint)
        return
    pairs = [
        *zip(positional, given, strict=False),
        *((by_name[it.arg], it.value) for it in keywords if it.arg in by_name),
    ]
    for parameter, value in pairs:
        expected = _literal_mismatch(model, parameter, value, function, scope)
        if expected is not None:
            message = f"{function.name} takes {parameter.arg!r} as {expected[0]}, and gets {expected[1]}"
            yield finding("RS109", value, scope, message, "Give a value of that type.")


def _count(number: int) -> str:
    return "no arguments" if number == 0 else "one argument" if number == 1 else f"{number} arguments"


def _literal_mismatch(
    model: Model, parameter: ast.arg, value: ast.expr, function: Scope, scope: Scope
) -> tuple[str, str] | None:
    """What a parameter of a plain type takes and what it is given, where that is a literal of another type."""
    annotation = parameter.annotation
    plain = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    if not isinstance(plain, ast.Name):
        return None
    name = plain.id
    if model.evaluate.external(plain, function.outer or function) != f"builtins.{name}":
        return None
    known = model.evaluate.value(value, scope)
    if isinstance(known, Constant) and known.value is not None and known.value is not ...:
        kind = type(known.value)
        if name == "int" and isinstance(known.value, float) and known.value.is_integer():
            return None  # in JSON it is one
        if name in _LITERALS and kind not in _LITERALS[name]:
            return name, f"{known.value!r}"
        if name in _COLLECTIONS:
            return name, f"{known.value!r}"
    elif isinstance(known, Collection) and isinstance(value, ast.List | ast.Dict | ast.Set | ast.Tuple):
        if name in _LITERALS:
            return name, f"a {known.kind}"
        if {name, known.kind} in ({"list", "dict"}, {"dict", "set"}, {"dict", "tuple"}):
            return name, f"a {known.kind}"
    return None


def _fits_schedule(model: Model, function: Scope, call: ast.Call, scope: Scope) -> Iterator[Finding]:
    given = argument(call, "args", 3)
    keywords = argument(call, "kwargs", 4)
    values: list[ast.expr] = []
    if given is not None:
        if not isinstance(given, ast.Tuple | ast.List):
            return
        values = list(given.elts)
    named: list[ast.keyword] = []
    if keywords is not None:
        if not isinstance(keywords, ast.Dict):
            return
        for key, value in zip(keywords.keys, keywords.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                return
            named.append(ast.keyword(key.value, value))
    yield from _bind(model, function, values, named, call, scope)


def _contract_call(
    model: Model, contract: Contract | None, given: Sequence[ast.expr], node: ast.Call, scope: Scope
) -> Iterator[Finding]:
    if contract is None or contract.request is None:
        return
    if len(given) == 1 and not node.keywords:
        value = model.evaluate.value(given[0], scope)
        if isinstance(value, Instance) and not _is_a(model, value.class_, contract.request):
            message = f"{contract.variable} takes {contract.request.name}, and gets {value.class_.name}"
            yield finding("RS109", node, scope, message, f"Give it one {contract.request.name}.")
    elif len(given) > 1 and not any(isinstance(it, ast.Starred) for it in given):
        message = f"{contract.variable} cannot be called like this: it takes one {contract.request.name}"
        yield finding("RS108", node, scope, message, f"Put it all into one {contract.request.name}.")
    elif not given and not node.keywords:
        message = f"{contract.variable} cannot be called like this: its {contract.request.name} is missing"
        yield finding("RS108", node, scope, message, f"Give it one {contract.request.name}.")


def _served_types(model: Model) -> Iterator[Finding]:
    """RS108 and RS109 of what is served: a function against its contract."""
    seen: set[ast.AST] = set()
    for it in model.registrations:
        if it.contract is None or it.serve is None or it.serve[0] in seen:
            continue
        seen.add(it.serve[0])
        function = _as_written(model, function_of(model.evaluate, *it.serve))
        if function is not None:
            yield from _pair(model, it.serve, it.contract, function)


def _pair(model: Model, serve: tuple[ast.Call, Scope], contract: Contract, function: Scope) -> Iterator[Finding]:
    positional = function.positional
    required = len(positional) - len(function.arguments.defaults)
    if function.arguments.vararg is None and (len(positional) < 2 or required > 2):
        message = f"{function.name} serves {contract.name!r}, so it takes a context and the request, and nothing else"
        hint = f"Mend its parameters: line {function.line} of {function.module.path}."
        yield finding("RS108", *serve, message, hint)
        return
    outer, hint = function.outer or function, "Make them the same."
    if len(positional) >= 2:
        request = model.evaluate.annotated(positional[1].annotation, outer)
        if isinstance(request, Instance) and contract.request and not _is_a(model, contract.request, request.class_):
            says = f"its contract {contract.name!r} says {contract.request.name}"
            message = f"{function.name} takes {request.class_.name}, and {says}"
            yield finding("RS109", *serve, message, hint)
    result = model.evaluate.annotated(function.returns, outer)
    if isinstance(result, Instance) and contract.result and not _is_a(model, result.class_, contract.result):
        says = f"its contract {contract.name!r} says {contract.result.name}"
        message = f"{function.name} returns {result.class_.name}, and {says}"
        yield finding("RS109", *serve, message, hint)


def _is_a(model: Model, class_: ProgramClass, wanted: ProgramClass, depth: int = 0) -> bool:
    """Whether a class is another or extends it; one with a base that is not known may."""
    if class_ is wanted or depth > 8:
        return True
    for base in class_.node.bases:
        value = model.evaluate.value(base, class_.outer)
        if value is None or (isinstance(value, Class) and _is_a(model, value.class_, wanted, depth + 1)):
            return True
    return False


def _clients_at_import(model: Model) -> Iterator[Finding]:
    """RS110. Under `if __name__ == "__main__":` no loop runs either."""
    for client in model.clients:
        assert client.node is not None and client.scope is not None
        if not isinstance(client.scope.node, ast.Module) or _is_stale(model, client.node, client.scope):
            continue
        start = argument(client.node, "autostart")
        if start is not None and model.evaluate.value(start, client.scope) != Constant(True):
            continue
        message = "a client is made when the module is imported: it needs a running event loop, and raises without one"
        hint = "Make it where the loop runs (a lifespan, an async main), or with autostart=False and start() there."
        yield finding("RS110", client.node, client.scope, message, hint)


def _is_stale(model: Model, node: ast.Call, scope: Scope) -> bool:
    """Whether a client is one of another release, or has settings that are not read."""
    if node.args or any(it.arg not in CLIENT_ARGUMENTS for it in node.keywords):
        return True
    return model.evaluate.external(node.func, scope) == "resonate.Resonate"


def _replaced(model: Model) -> dict[ast.Call, Replaced]:
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


def _options(replaced: dict[ast.Call, Replaced]) -> Iterator[Finding]:
    """RS111."""
    for call, (scope, dropped) in replaced.items():
        message = f"these options replace those before: {', '.join(dropped)} is dropped"
        yield finding("RS111", call, scope, message, "Give all of them in one options(…).")


def _dependencies(model: Model) -> Iterator[Finding]:
    """RS112. It is silent where anything may be provided."""
    provided: list[ProgramClass | str] = []
    asked: list[tuple[ast.Call, Scope, ProgramClass | str]] = []
    for scope in model.scopes:
        for call in scope.calls:
            if not isinstance(call.func, ast.Attribute) or not call.args:
                continue
            if call.func.attr == "with_dependency":
                classes = _classes(model.evaluate.value(call.args[0], scope))
                if classes is None:
                    return
                provided += classes
            elif call.func.attr == "get_dependency":
                method = model.evaluate.value(call.func, scope)
                value = model.evaluate.value(call.args[0], scope)
                if isinstance(method, Method) and isinstance(method.of, Context):
                    asked += [(call, scope, it) for it in _class_named(value)]
    if model.handed_out or model.is_blind:
        return
    for call, scope, wanted in asked:
        below = [it for it in provided if isinstance(it, ProgramClass) and _extends(model, it, wanted)]
        if wanted not in provided and below:
            name = wanted.name if isinstance(wanted, ProgramClass) else wanted.rpartition(".")[2]
            message = (
                f"{name} is asked for, and {below[0].name} is provided: dependencies are found by their exact class"
            )
            yield finding("RS112", call, scope, message, f"Ask for {below[0].name}, or provide {name}.")


def _classes(value: Value | None) -> list[ProgramClass | str] | None:
    """The exact classes that a value may be of; None where that is not known."""
    match value:
        case Instance(class_, call) if call is not None:
            return [class_]
        case Thing(of) if of.rpartition(".")[2][:1].isupper():
            return [of]
        case Constant() | Function() | Collection():
            return []
        case OneOf(options):
            several = [_classes(it) for it in options]
            return None if None in several else [it for each in several if each is not None for it in each]
    return None


def _class_named(value: Value | None) -> list[ProgramClass | str]:
    match value:
        case Class(class_):
            return [class_]
        case External(name):
            return [name]
    return []


def _extends(model: Model, class_: ProgramClass, wanted: ProgramClass | str, depth: int = 0) -> bool:
    """Whether a class extends another, here or outside."""
    for base in class_.node.bases:
        for known in _class_named(model.evaluate.value(base, class_.outer)):
            if known == wanted:
                return True
            if isinstance(known, ProgramClass) and depth < 8 and _extends(model, known, wanted, depth + 1):
                return True
    return False
