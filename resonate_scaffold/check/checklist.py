"""The checklist for every route: what makes it safe to call, each answer with the line that proves it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import PurePosixPath

from resonate_scaffold.code.facts import Registration, Start
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Bound, ProgramClass, Scope
from resonate_scaffold.code.values import Class, Constant, External, Instance

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
    for route in model.routes:
        if route.handler.module in model.runtime:
            continue  # the machinery's own, such as /readyz
        scopes, code = model.reached(route.handler, 3), model.code_of(route)
        starts = [(it, scope) for scope in code for it in model.starts.get(scope, ()) if it.kind != "schedule"]
        rows = tuple(_rows(model, route, scopes, *starts[0])) if starts else ()
        name = f"{' '.join(route.methods)} {route.path}"
        found.append(Item(name, route.handler.module.path, route.handler.line, rows))
    return sorted(found, key=lambda it: (it.path, it.line))


def _rows(model: Model, route: Route, scopes: list[Scope], start: Start, scope: Scope) -> Iterator[Row]:
    yield _validated(model, route)
    yield _registered(model, start)
    yield _target(model, start, scope)
    yield _unique(model, start, scope, route)
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


def _unique(model: Model, start: Start, scope: Scope, route: Route) -> Row:
    question = "promise id unique"
    if start.id is None:
        return _at(question, UNKNOWN, "the id is not said here", scope, start.node)
    source: ast.expr = start.id
    if isinstance(source, ast.Name):
        for binding in scope.bindings.get(source.id, ()):
            if binding.how is Bound.value and isinstance(binding.node, ast.expr):
                source = binding.node
            elif binding.how is Bound.part and isinstance(binding.node, ast.Tuple) and binding.index is not None:
                source = binding.node.elts[binding.index] if binding.index < len(binding.node.elts) else source
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
