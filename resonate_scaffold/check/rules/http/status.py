"""RS404: routes that answer 200 before the work is done."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.rules.http.handles import is_handle
from resonate_scaffold.code.facts import Start
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Bound, Scope, above, enclosing
from resonate_scaffold.code.values import Collection, Constant, External, Function, Instance, Method, Text, Thing

_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_JSON_RESPONSES = re.compile(
    r"(fastapi|starlette)\.responses\.(JSONResponse|ORJSONResponse|UJSONResponse|PlainTextResponse|Response)"
    r"|(fastapi|starlette)\.Response|flask\.jsonify|quart\.jsonify"
)
_STATUS = re.compile(r"(?:fastapi|starlette)\.status\.HTTP_(\d{3})_\w+")


def status(model: Model, route: Route, scopes: list[Scope], starts: list[Start]) -> Iterator[Finding]:
    if not starts or not _CHANGING & set(route.methods):
        return
    handler = route.handler
    given = argument(route.node, "status_code")
    if given is not None and _number_of(model, given, route.scope) != 200:
        return
    if any(it.arg is None for it in route.node.keywords) or argument(route.node, "response_class") is not None:
        return
    if any(
        _gets_an_end(model, call, scope) or _sets_a_status(model, call, scope)
        for scope in scopes
        for call in scope.calls
    ):
        return
    if any(_is_status_kept(it) for scope in scopes for it in scope.found(ast.Attribute)):
        return
    answers = [it.value for it in handler.found(ast.Return)]
    if not all(_is_plain(model, it, handler, route) for it in answers):
        return
    message = f"{handler.name} answers 200 while the work still runs: clients take the answer for the result"
    hint = "Answer 202 with the id, and a Location to poll (status_code=202)."
    yield finding("RS404", handler.node, handler, message, hint)


def _number_of(model: Model, node: ast.expr, scope: Scope) -> int | None:
    """The number of a status, also of `status.HTTP_202_ACCEPTED` and `HTTPStatus.ACCEPTED`."""
    number = model.evaluate.number(node, scope)
    if number is not None:
        return number
    name = model.evaluate.external(node, scope) or ""
    match = _STATUS.fullmatch(name)
    if match:
        return int(match[1])
    member = name.removeprefix("http.HTTPStatus.").removesuffix(".value")
    return HTTPStatus[member].value if member in HTTPStatus.__members__ else None


def _gets_an_end(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether a call waits for the end of what was started, by its name or in a loop that asks for it."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "result":
        return True
    function = model.evaluate.value(call.func, scope)
    if isinstance(function, Method) and function.name == "promises.get":
        return any(isinstance(it, ast.While | ast.For | ast.AsyncFor) for it in enclosing(call))
    if isinstance(function, External):
        return False
    given = (*call.args, *(it.value for it in call.keywords))
    if function is None and any(is_handle(model, it, scope) for it in given):
        return True
    return "wait" in name


def _sets_a_status(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether a helper that cannot be read gets the response, to set what it likes."""
    if isinstance(model.evaluate.value(call.func, scope), Function | External):
        return False
    values = (model.evaluate.value(it, scope) for it in (*call.args, *(keyword.value for keyword in call.keywords)))
    return any(isinstance(it, Thing) and it.of.endswith(".Response") for it in values)


def _is_status_kept(node: ast.Attribute) -> bool:
    """Whether this sets the status of an answer."""
    if node.attr == "status" and isinstance(up := above(node), ast.Assign):
        # Many things have a status; that of an answer starts with its number.
        return re.match(r"['\"]?\d|.*HTTP", ast.unparse(up.value)) is not None
    return node.attr == "status_code" and isinstance(node.ctx, ast.Store)


def _is_plain(model: Model, node: ast.expr | None, scope: Scope, route: Route, depth: int = 0) -> bool:
    """Whether an answer is sent with the status of its route, or with 200, or is an error."""
    if depth > 3:
        return False
    if node is None:
        return True
    if isinstance(node, ast.Tuple) and route.framework in ("flask", "quart"):
        return len(node.elts) > 1 and _is_no_promise(_number_of(model, node.elts[1], scope))
    if isinstance(node, ast.IfExp):
        return all(_is_plain(model, it, scope, route, depth) for it in (node.body, node.orelse))
    if isinstance(node, ast.Name):
        bound = scope.bindings.get(node.id, ())
        values = [it.node for it in bound if it.how is Bound.value and isinstance(it.node, ast.expr)]
        if len(values) == len(bound) and values:
            return all(_is_plain(model, it, scope, route, depth + 1) for it in values)
    if isinstance(node, ast.Call):
        plain = _is_plain_call(model, node, scope, route, depth)
        if plain is not None:
            return plain
    value = model.evaluate.value(node, scope)
    if isinstance(value, Instance):
        return not _is_response(model, value)
    if isinstance(value, Collection | Constant | Text):
        return True
    return value is None and route.framework == "fastapi" and _declares_data(model, route.handler)


def _is_plain_call(model: Model, node: ast.Call, scope: Scope, route: Route, depth: int) -> bool | None:
    """The same of a call: of a response's class, or of an own function that makes the answer."""
    function = model.evaluate.value(node.func, scope)
    if isinstance(function, External) and _JSON_RESPONSES.fullmatch(function.name):
        if any(it.arg is None for it in node.keywords):
            return False
        status = argument(node, "status_code", 1) or argument(node, "status")
        return status is None or _is_no_promise(_number_of(model, status, scope))
    if isinstance(function, Function):
        answers = [it.value for it in function.scope.found(ast.Return)]
        return bool(answers) and all(_is_plain(model, it, function.scope, route, depth + 1) for it in answers)
    return None


def _is_no_promise(status: int | None) -> bool:
    """Whether a status is known, and says that all is done, or that nothing is."""
    return status is not None and (status == 200 or status >= 400)


def _is_response(model: Model, value: Instance) -> bool:
    names = (model.evaluate.external(it, value.class_.outer) or "" for it in value.class_.node.bases)
    return any(it.endswith("Response") for it in names)


def _declares_data(model: Model, handler: Scope) -> bool:
    """Whether a handler's annotation says that it gives data, and no response."""
    declared = model.evaluate.annotated(handler.returns, handler.outer or handler)
    if isinstance(declared, Instance):
        return not _is_response(model, declared)
    return isinstance(declared, Collection) or declared in (Thing("builtins.str"), Thing("builtins.int"))
