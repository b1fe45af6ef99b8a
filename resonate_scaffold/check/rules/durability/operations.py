"""RS315 and RS316: what is given to `once`: the id of an operation, and the effect that is its transaction."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.outside import canonical, kind_of
from resonate_scaffold.code.scopes import Scope, assigned
from resonate_scaffold.code.values import Constant, External, Function, Text, Value

_ONCE = "once"
_IDS = ("operation_id", "operation", "id", "key")
_FRESH = {"clock": "the clock", "random": "a random value", "uuid": "a new uuid"}
# What the runtime gives steps and database functions: new in each run.
_OF_THE_RUNTIME = {("clock", "now"): "clock", ("clock", "new_uuid"): "uuid"}
# Effects that are no rows: they stay when the transaction is rolled back.
_SENDS = re.compile(
    r"(smtplib|aiosmtplib|fastapi_mail|pika|aio_pika|aiormq|kombu|nats|google|aiokafka|kafka|confluent_kafka|celery|rq"
    r"|sendgrid|twilio)\..*"
)
_DEEPEST = 8


def operations(model: Model) -> Iterator[Finding]:
    """RS315 and RS316, wherever a function `once` is called that takes an id and an effect."""
    told: set[ast.AST] = set()
    for scope in model.scopes:
        if model.is_machinery(scope.module):
            continue
        for call, callee in model.plain_calls.get(scope, ()):
            if not _is_once(callee):
                continue
            yield from _fresh(model, call, callee, scope)
            for effect in _effects(model, call, scope):
                yield from _sends(model, effect, told)


def _is_once(function: Scope) -> bool:
    names = {it.arg for it in (*function.positional, *function.arguments.kwonlyargs)}
    return function.name == _ONCE and "effect" in names and not names.isdisjoint(_IDS)


def _fresh(model: Model, call: ast.Call, once: Scope, scope: Scope) -> Iterator[Finding]:
    names = [it.arg for it in once.positional]
    parameter = next(it for it in _IDS if it in {*names, *(it.arg for it in once.arguments.kwonlyargs)})
    given = argument(call, parameter, names.index(parameter) if parameter in names else None)
    found = _drawn(model, given, scope) if given is not None else None
    if given is not None and found is not None:
        message = f"this operation is named by {_FRESH[found]}: a second run has another name, and writes a second time"
        hint = "Name it by what is wanted: a field of the request, or ctx.info.id, which a second run has too."
        yield finding("RS315", given, scope, message, hint)


def _drawn(model: Model, node: ast.expr, scope: Scope, depth: int = 0) -> str | None:
    """What of an expression is new whenever it is evaluated, if anything is known to be."""
    if depth > _DEEPEST:
        return None
    inside: list[ast.expr] = []
    match node:
        case ast.Name(id=name):
            value = assigned(name, scope)
            inside = [value] if value is not None else []
        case ast.JoinedStr(values=several) | ast.Tuple(elts=several) | ast.List(elts=several):
            inside = several
        case ast.BinOp(left=left, right=right):
            inside = [left, right]
        case ast.FormattedValue(value=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner):
            inside = [inner]
        case ast.Call():
            function = model.evaluate.value(node.func, scope)
            kind = kind_of(function.name) if isinstance(function, External) else None
            if kind in _FRESH:
                return kind
            if isinstance(function, Function) and model.is_machinery(function.scope.module):
                kind = _OF_THE_RUNTIME.get((function.scope.module.path.stem, function.scope.name))
                if kind is not None:
                    return kind
            if isinstance(function, Function) and (kind := _returned(model, function.scope, depth)) is not None:
                return kind
            if _keeps(model, node, function, scope):
                inside = [*node.args, *(it.value for it in node.keywords)]
            if isinstance(node.func, ast.Attribute):
                inside.append(node.func.value)
    return next((kind for it in inside if (kind := _drawn(model, it, scope, depth + 1)) is not None), None)


def _keeps(model: Model, call: ast.Call, function: Value | None, scope: Scope) -> bool:
    """Whether a call makes a text, or a digest, of what it gets; whatever else is called may give anything."""
    if isinstance(function, Function) and model.is_machinery(function.scope.module):
        return True
    if isinstance(function, External):
        return function.name.startswith(("builtins.", "uuid.", "hashlib.", "json.", "base64."))
    return isinstance(model.evaluate.value(call, scope), Text | Constant)


def _returned(model: Model, function: Scope, depth: int) -> str | None:
    """The same of what a function gives, if it is not the runtime's: those derive what they make."""
    returned = [it.value for it in function.found(ast.Return) if it.value is not None]
    if model.is_machinery(function.module) or len(returned) != 1:
        return None
    return _drawn(model, returned[0], function, depth + 1)


def _effects(model: Model, call: ast.Call, scope: Scope) -> Iterator[Scope]:
    for given in (*call.args, *(it.value for it in call.keywords)):
        value = model.evaluate.value(given, scope)
        if isinstance(value, Function):
            yield value.scope


def _sends(model: Model, effect: Scope, told: set[ast.AST]) -> Iterator[Finding]:
    for scope in model.reached(effect):
        if model.is_machinery(scope.module):
            continue
        for call in scope.calls:
            name = model.evaluate.external(call.func, scope)
            if name is None or call in told or not _leaves(canonical(name)):
                continue
            told.add(call)
            whose = effect.name if scope is effect else f"{scope.name}, called in {effect.name},"
            message = (
                f"{whose} calls {name} inside the transaction of once: its rows stay locked meanwhile, "
                "and what was sent stays sent when it is rolled back"
            )
            hint = "Ask or send in a step of the workflow, before or after, and give the effect what came of it."
            yield finding("RS316", call, scope, message, hint)


def _leaves(name: str) -> bool:
    kind = kind_of(name)
    return kind == "network" or (kind == "effects" and _SENDS.fullmatch(name) is not None)
