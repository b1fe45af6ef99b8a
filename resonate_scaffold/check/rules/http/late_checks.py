"""RS406 where a signature is looked at, and only when the promise is settled already."""

from __future__ import annotations

import ast
import re

from resonate_scaffold.check.rules.http.access import CHECKS, Access, refuses
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Scope
from resonate_scaffold.code.values import Function

_VERDICTS = re.compile(r"compare_digest|verif|check_signature|construct_event|authenticate", re.IGNORECASE)
# Parts of a signature: made, and not yet compared.
_COMPUTES = re.compile(r"(hex)?digest|hmac|new|hmac_\w+|sign")


def is_checked_late(model: Model, access: Access, route: Route, settling: ast.Call) -> bool:
    """Whether a handler looks at who asks, and does so after a call of its own that settles a promise."""
    if access.is_gated(route):
        return False
    handler, place = route.handler, _place(settling)
    looks = [it for it in handler.calls if _looks(model, access, it, handler)]
    refusals = [it for it in handler.found(ast.Return) if isinstance(it.value, ast.Tuple) and _refuses(it.value)]
    branches = (it for it in ast.walk(handler.node) if isinstance(it, ast.If))
    tests = [it for it in branches if CHECKS.search(ast.unparse(it.test))]
    if any(_place(it) < place for it in (*looks, *refusals, *tests)):
        return False
    return any(_place(it) > place and _VERDICTS.search(_called(it)) for it in looks)


def _looks(model: Model, access: Access, call: ast.Call, handler: Scope) -> bool:
    """Whether a call looks at who asks: by its name, by what it refuses, or by what its function does."""
    name = _called(call)
    if CHECKS.search(name) and not _COMPUTES.fullmatch(name):
        return True
    if any(map(refuses, (*call.args, *(it.value for it in call.keywords)))):
        return True
    value = model.evaluate.value(call.func, handler)
    return isinstance(value, Function) and any(access.asks(it) for it in model.reached(value.scope, 2))


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _refuses(answer: ast.Tuple) -> bool:
    return any(map(refuses, answer.elts))
