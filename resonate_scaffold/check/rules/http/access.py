"""Whether anything asks who sends a request, before a route acts on it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.rules.http.request import dependencies_of
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Scope
from resonate_scaffold.code.values import Class, Function, Value

_CHECKS = re.compile(
    r"verif|signature|signed|sign_|auth(?!or(?!i))|hmac|digest|token(?!_(?:hex|bytes|urlsafe))|api_?key|secret|credential|permission|principal"
    r"|current_user|get_user|caller|guard|login|jwt|oauth|csrf|protected|ensure_|check_access|require",
    re.IGNORECASE,
)
_VERDICTS = re.compile(r"compare_digest|verif|check_signature|construct_event|authenticate", re.IGNORECASE)
# Parts of a signature: made, and not yet compared.
_COMPUTES = re.compile(r"(hex)?digest|hmac|new|hmac_\w+|sign")
_REFUSES = re.compile(r"HTTP_40[13]_\w+|UNAUTHORIZED|FORBIDDEN")
_GATES = frozenset({"dependencies", "middleware", "route_class"})
_HOOKS = frozenset({"before_request", "before_app_request", "middleware", "add_middleware"})
_APPLICATIONS = frozenset({"FastAPI", "Flask", "Quart", "Starlette"})


class Access:
    """The gates of one program: on its applications, on its routers, and on single routes."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._gated: set[ast.Call] = set()
        """The calls that make routers with a gate."""
        self._holders: dict[ast.Call, set[ast.Call]] = {}
        """What a router is included in."""
        self._all_gated = False
        for scope in model.scopes:
            for call in scope.calls:
                self._wired(call, scope)
            for decorator in scope.decorators:
                self._hooked(decorator, scope)

    def is_checked(self, route: Route, scopes: list[Scope]) -> bool:
        """Whether anything on the way of a request looks at who asks; *scopes* are what the route runs."""
        return (
            self.is_gated(route)
            or any(_CHECKS.search(it) for it in _names(route.handler))
            or any(_mentions(it) for it in scopes)
        )

    def is_gated(self, route: Route) -> bool:
        """Whether anything looks at who asks before the handler is entered."""
        if self._all_gated or any(argument(route.node, it) for it in _GATES):
            return True
        if isinstance(route.node.func, ast.Attribute):
            made = self._model.router_call(route.node.func.value, route.scope)
            if made is not None and self._is_gated(made[0]):
                return True
        return any(self._decorator_checks(it, route) for it in route.handler.decorators) or any(
            self._parameter_checks(it, route.handler) for it in _names(route.handler)
        )

    def checks_late(self, route: Route, settling: ast.Call) -> bool:
        """Whether a handler settles first, and looks at the signature after that: then it is too late."""
        if self.is_gated(route):
            return False
        handler, place = route.handler, _place(settling)
        looks = [it for it in handler.calls if self._looks(it, handler)]
        refusals = [it for it in handler.found(ast.Return) if it.value is not None and _answers_refusal(it.value)]
        tests = [it for it in _branches(handler) if _CHECKS.search(ast.unparse(it.test))]
        if any(_place(it) < place for it in (*looks, *refusals, *tests)):
            return False
        verdicts = [it for it in looks if _VERDICTS.search(_called(it))]
        return any(_place(it) > place for it in verdicts)

    def _looks(self, call: ast.Call, handler: Scope) -> bool:
        """Whether a call looks at who asks: by its name, by what it refuses, or by what its function does."""
        name = _called(call)
        if _CHECKS.search(name) and not _COMPUTES.fullmatch(name):
            return True
        if any(_refuses(it) for it in (*call.args, *(it.value for it in call.keywords))):
            return True
        value = self._model.evaluate.value(call.func, handler)
        return isinstance(value, Function) and any(_mentions(it) for it in self._model.reached(value.scope, 2))

    def _is_gated(self, router: ast.Call, depth: int = 0) -> bool:
        if router in self._gated or any(argument(router, it) for it in _GATES):
            return True
        return depth < 5 and any(self._is_gated(it, depth + 1) for it in self._holders.get(router, ()))

    def _wired(self, call: ast.Call, scope: Scope) -> None:
        """Read how routers are put together, and what stands before them."""
        if not isinstance(call.func, ast.Attribute):
            if isinstance(call.func, ast.Name) and call.func.id.endswith("Middleware"):
                self._all_gated |= any(self._sounds(it, scope) for it in (call.func, *call.args))
            return
        if call.func.attr in ("include_router", "register_blueprint", "mount"):
            outer = self._model.router_call(call.func.value, scope)
            for given in (*call.args, *(it.value for it in call.keywords)):
                made = self._model.router_call(given, scope)
                if made is None:
                    continue
                if outer is not None:
                    self._holders.setdefault(made[0], set()).add(outer[0])
                if any(argument(call, it) for it in _GATES):
                    self._gated.add(made[0])
        elif call.func.attr in _HOOKS and any(self._sounds(it, scope) for it in call.args):
            self._gate(call.func, scope)

    def _hooked(self, decorator: ast.expr, scope: Scope) -> None:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(inner, ast.Attribute) and inner.attr in _HOOKS and self._any_mentions(scope):
            self._gate(inner, scope.outer or scope)

    def _gate(self, hook: ast.Attribute, scope: Scope) -> None:
        made = self._model.router_call(hook.value, scope)
        name = made[0].func if made is not None else None
        called = name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")
        if made is None or called in _APPLICATIONS or hook.attr == "before_app_request":
            self._all_gated = True
        else:
            self._gated.add(made[0])

    def _sounds(self, node: ast.expr, scope: Scope) -> bool:
        """Whether a function or a class is called like a check, or does one."""
        if _CHECKS.search(ast.unparse(node)):
            return True
        return self._does(self._model.evaluate.value(node, scope))

    def _does(self, value: Value | None) -> bool:
        if isinstance(value, Function):
            return self._any_mentions(value.scope)
        return isinstance(value, Class) and any(self._any_mentions(it) for it in value.class_.methods.values())

    def _any_mentions(self, scope: Scope) -> bool:
        return any(_mentions(it) for found in self._model.reached(scope, 2) for it in (found, *found.inner))

    def _decorator_checks(self, decorator: ast.expr, route: Route) -> bool:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        return decorator is not route.node and self._sounds(inner, route.scope)

    def _parameter_checks(self, name: str, handler: Scope) -> bool:
        return any(self._dependency_checks(it, scope) for it, scope in dependencies_of(self._model, name, handler))

    def _dependency_checks(self, depends: ast.Call, scope: Scope) -> bool:
        """Whether a `Depends(…)` is more than a way to hand something in; `Security(…)` always is."""
        if not depends.args or not (self._model.evaluate.external(depends.func, scope) or "").endswith("Depends"):
            return True
        return self._sounds(depends.args[0], scope)


def _place(node: ast.AST) -> tuple[int, int]:
    return int(getattr(node, "lineno", 0)), int(getattr(node, "col_offset", 0))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _answers_refusal(node: ast.expr) -> bool:
    return isinstance(node, ast.Tuple) and any(map(_refuses, node.elts))


def _branches(handler: Scope) -> Iterator[ast.If]:
    return (it for it in ast.walk(handler.node) if isinstance(it, ast.If))


def _names(handler: Scope) -> Iterator[str]:
    return (it.arg for it in (*handler.positional, *handler.arguments.kwonlyargs))


def _mentions(scope: Scope) -> bool:
    """Whether a function calls something that sounds like a check, or answers 401 or 403."""
    for call in scope.calls:
        if _CHECKS.search(_called(call)) or any(
            _refuses(it) for it in (*call.args, *(it.value for it in call.keywords))
        ):
            return True
    for node in scope.nodes:
        if isinstance(node, ast.Attribute) and _REFUSES.fullmatch(node.attr):
            return True
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and any(map(_refuses, node.value.elts)):
            return True
    return False


def _refuses(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value in (401, 403)
