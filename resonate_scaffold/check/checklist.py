"""The checklist for every route: what makes it safe to call, each answer with the line that proves it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import NamedTuple

from resonate_scaffold.code.facts import Registration, Start
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Bound, ProgramClass, Scope
from resonate_scaffold.code.values import Class, Constant, External, Function, Instance

YES, NO, UNKNOWN = "yes", "no", "unknown"
_UNCHECKED = frozenset({"get_json", "json", "form"})


@dataclass(frozen=True, slots=True)
class Row:
    """One answer: ``yes``, ``no`` or ``unknown``, why, and the line that shows it."""

    question: str
    answer: str
    why: str
    path: PurePosixPath | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One route with its answers; one that starts no work has none."""

    route: str
    path: PurePosixPath
    line: int
    rows: tuple[Row, ...]


def checklist(model: Model) -> list[Item]:
    """The routes of a program, in the order of their files."""
    found: list[Item] = []
    routes = [it for it in model.routes if it.handler.module not in model.runtime]  # its own are such as /readyz
    started = {route: _started(model, route) for route in routes}
    kinds: dict[str, list[Route]] = {}
    for route, start in started.items():
        names = _names_of_work(model, *start) if start is not None and "GET" not in route.methods else None
        if names is not None:
            kinds.setdefault(names.kind, []).append(route)
    for route, start in started.items():
        rows = tuple(_rows(model, route, *start, kinds)) if start is not None else ()
        found.append(Item(_called(route), route.handler.module.path, route.handler.line, rows))
    return sorted(found, key=lambda it: (it.path, it.line))


def _called(route: Route) -> str:
    return f"{' '.join(route.methods)} {route.path}"


def _started(model: Model, route: Route) -> tuple[Start, Scope] | None:
    """The first work that a route starts, and where."""
    starts = ((it, scope) for scope in model.code_of(route) for it in model.starts.get(scope, ()))
    return next((found for found in starts if found[0].kind != "schedule"), None)


def _rows(model: Model, route: Route, start: Start, scope: Scope, kinds: Mapping[str, list[Route]]) -> Iterator[Row]:
    scopes = model.reached(route.handler, 3)
    yield _validated(model, route)
    yield _registered(model, start)
    yield _target(model, start, scope)
    yield _unique(model, start, scope)
    yield _scoped(model, route, start, scope, kinds)
    yield _answer(model, route, scopes)


def _at(question: str, answer: str, why: str, scope: Scope | None = None, node: ast.AST | None = None) -> Row:
    if scope is None or node is None:
        return Row(question, answer, why)
    return Row(question, answer, why, scope.module.path, int(getattr(node, "lineno", 1)))


def _validated(model: Model, route: Route) -> Row:
    question = "inputs validated before the rpc"
    handler = route.handler
    arguments = handler.arguments
    outer = handler.outer or handler
    for parameter in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if parameter.annotation is None:
            continue
        value = model.evaluate.annotated(parameter.annotation, outer)
        if isinstance(value, Instance) and _is_model(model, value.class_):
            class_ = value.class_
            return _at(question, YES, f"the body is of class {class_.name}", class_.outer, class_.node)
    for call in handler.calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name in ("model_validate", "model_validate_json", "validate_python", "validate_json", "load", "convert"):
            return _at(question, YES, f"by {ast.unparse(call.func)}", handler, call)
        if name in _UNCHECKED:
            return _at(question, NO, f"{ast.unparse(call.func)} is taken as it comes", handler, call)
    typed = [it for it in handler.positional if it.annotation is not None]
    if not handler.positional:
        return _at(question, YES, "it takes nothing from the request", handler, handler.node)
    if typed and route.framework in ("fastapi", "starlette"):
        return _at(question, YES, f"by type: {', '.join(it.arg for it in typed)}", handler, handler.node)
    return _at(question, UNKNOWN, "what it takes has no type here", handler, handler.node)


def _is_model(model: Model, class_: ProgramClass, seen: frozenset[ProgramClass] = frozenset()) -> bool:
    """Whether a class is a model that checks what it is made of."""
    bases = [model.evaluate.value(it, class_.outer) for it in class_.node.bases]
    return any(
        (isinstance(it, External) and it.name.rpartition(".")[2] in ("BaseModel", "Struct", "Schema", "RootModel"))
        or (isinstance(it, Class) and it.class_ not in seen and _is_model(model, it.class_, seen | {class_}))
        for it in bases
    )


def _serving(model: Model, start: Start) -> list[Registration]:
    if start.contract is not None:
        return [it for it in model.registrations if it.contract is start.contract]
    if start.function is not None:
        return model.by_function.get(start.function, [])
    return model.by_name.get(start.name, []) if start.name is not None else []


def _what(start: Start) -> str:
    if start.contract is not None:
        return start.contract.name or start.contract.variable
    return start.name or (start.function.name if start.function else "what it starts")


def _registered(model: Model, start: Start) -> Row:
    question = "entrypoint registered and reachable"
    serving = _serving(model, start)
    if serving:
        return _at(question, YES, f"{_what(start)} is registered", serving[0].scope, serving[0].node)
    known = start.name is not None or start.function is not None or start.contract is not None
    foreign = start.contract is not None and start.contract.group not in model.groups
    if not known or foreign or model.is_open:
        return _at(question, UNKNOWN, f"{_what(start)} is not registered in this code", start.scope, start.node)
    return _at(question, NO, f"nothing registers {_what(start)}", start.scope, start.node)


def _target(model: Model, start: Start, scope: Scope) -> Row:
    question = "target group matches"
    serving = _serving(model, start)
    if start.contract is not None:
        wanted = start.contract.group
    elif start.client is not None:
        target = model.target(start.client.options, scope)
        wanted = target.group if target.said else model.group_of(start.client)
        if start.kind == "create":
            wanted = None
    else:
        wanted = None
    groups = {it.group for it in serving}
    if wanted is None or not serving or None in groups:
        return _at(question, UNKNOWN, "the group is not known here", scope, start.node)
    if wanted in groups:
        first = next(it for it in serving if it.group == wanted)
        return _at(question, YES, f"group {wanted}", *_joining(model, first))
    there = ", ".join(sorted(it for it in groups if it))
    return _at(question, NO, f"it goes to {wanted}, and {there} registers it", scope, start.node)


def _joining(model: Model, it: Registration) -> tuple[Scope, ast.AST]:
    """Where a group is named: `GROUP` of a worker, or the client."""
    for binding in it.scope.module.scope.bindings.get("GROUP", ()):
        if it.contract is not None:
            return it.scope.module.scope, binding.node
    if it.client is not None and it.client.node is not None and it.client.scope is not None:
        return it.client.scope, it.client.node
    return it.scope, it.node


def _written_id(id_of: ast.expr, scope: Scope) -> ast.expr:
    """The expression that makes an id, where a variable has it."""
    source = id_of
    if isinstance(source, ast.Name):
        for binding in scope.bindings.get(source.id, ()):
            if binding.how is Bound.value and isinstance(binding.node, ast.expr):
                source = binding.node
            elif binding.how is Bound.part and isinstance(binding.node, ast.Tuple) and binding.index is not None:
                source = binding.node.elts[binding.index] if binding.index < len(binding.node.elts) else source
    return source


class _Names(NamedTuple):
    """What names some work: ``kind`` begins its ids; ``convention`` is the function of `ids.py` that makes them."""

    kind: str
    convention: Scope | None
    node: ast.expr


def _names_of_work(model: Model, start: Start, scope: Scope) -> _Names | None:
    """What names the work that is started, where that is `root_id("…", …)` or a convention of `ids.py`."""
    source = _written_id(start.id, scope) if start.id is not None else None
    if not isinstance(source, ast.Call):
        return None
    function = model.evaluate.value(source.func, scope)
    if not isinstance(function, Function) or function.scope.module.path.stem != "ids":
        return None
    if function.scope.name == "root_id":
        kind = model.evaluate.text(source.args[0], scope) if source.args else None
        return None if kind is None else _Names(kind, None, source)
    for call in function.scope.calls:
        inner = model.evaluate.value(call.func, function.scope)
        if isinstance(inner, Function) and inner.scope.name == "keyed" and call.args:
            kind = model.evaluate.text(call.args[0], function.scope)
            return None if kind is None else _Names(kind, function.scope, source)
    return None


def _scoped(model: Model, route: Route, start: Start, scope: Scope, kinds: Mapping[str, list[Route]]) -> Row:
    """Whether a key of this route is a key of another: then that one's work is found, or the key refused."""
    question = "what its key is scoped to"
    names = _names_of_work(model, start, scope)
    if names is None:
        return _at(question, UNKNOWN, "what names the work is not known here", scope, start.node)
    others = ", ".join(_called(it) for it in kinds.get(names.kind, ()) if it is not route)
    if names.convention is not None:
        owned = any(it.arg == "caller" for it in names.convention.positional)
        whose = "of each caller" if owned else "of the whole service"
        also = f"; so does {others}" if others else ""
        return _at(question, YES, f"ids.{names.convention.name} names work {whose}{also}", scope, names.node)
    if not any(_reads_key(model, call, code) for code in model.code_of(route) for call in code.calls):
        return _at(question, YES, "it takes no key: each request is new work", scope, names.node)
    if others:
        return _at(question, NO, f"a key of {others} is one of it, too: {names.kind}/…", scope, names.node)
    return _at(question, YES, f"this route, and the caller: {names.kind}/…", scope, names.node)


def _reads_key(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether a call reads `Idempotency-Key`."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    mode = argument(call, "key", 1)
    return name == "get_submission" and (mode is None or model.evaluate.text(mode, scope) != "none")


def _unique(model: Model, start: Start, scope: Scope) -> Row:
    question = "promise id unique"
    if start.id is None:
        return _at(question, UNKNOWN, "the id is not said here", scope, start.node)
    source = _written_id(start.id, scope)
    value = model.evaluate.value(source, scope)
    if isinstance(value, Constant):
        return _at(question, NO, f"every request has the id {value.value!r}", scope, source)
    text = ast.unparse(source)
    shown = text if len(text) <= 60 else text[:57] + "..."
    return _at(question, YES, shown, scope, source)


def _answer(model: Model, route: Route, scopes: list[Scope]) -> Row:
    question = "202 and an id for async work, or a bounded wait"
    status = argument(route.node, "status_code")
    if status is not None and model.evaluate.number(status, route.scope) == 202:
        return _at(question, YES, "status_code=202", route.scope, status)
    for status_of, why in ((202, "it may answer 202"), (504, "it answers 504 when it is late")):
        for scope in scopes:
            node = _answering(scope, status_of)
            if node is not None:
                return _at(question, YES, why, scope, node)
    for scope in scopes:
        for call in scope.calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr == "result":
                return _at(question, UNKNOWN, "it waits for the result: see RS403", scope, call)
    if "GET" in route.methods:
        return _at(question, UNKNOWN, "it reads: see how long it waits", route.handler, route.handler.node)
    return _at(question, NO, "it answers 200", route.handler, route.handler.node)


def _answering(scope: Scope, status: int) -> ast.AST | None:
    """Where a function says a status."""
    names = {HTTPStatus(status).name, f"HTTP_{status}_{HTTPStatus(status).name}"}
    for node in ast.walk(scope.node):
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value == status:
            return node
        if isinstance(node, ast.Attribute) and node.attr in names:
            return node
    return None
