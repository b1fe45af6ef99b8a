"""RS108 and RS109: what is given to a durable function, and what it takes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.rules.wiring.calls import _version, _version_started
from resonate_scaffold.code.facts import Contract, DurableCall
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import ProgramClass, Scope
from resonate_scaffold.code.served import function_of, serves
from resonate_scaffold.code.values import (
    Class,
    Client,
    Collection,
    Constant,
    External,
    Function,
    Instance,
    Method,
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


def arguments(model: Model) -> Iterator[Finding]:
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
        hint = f"It takes {line}. The context is not among the arguments."
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


def served_types(model: Model) -> Iterator[Finding]:
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
        hint = f"Correct its parameters: line {function.line} of {function.module.path}."
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
