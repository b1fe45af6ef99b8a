"""Whether anything asks who sends a request, before a route acts on it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.rules.http.request import dependencies_of, depends_in
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import ProgramClass, Scope, above
from resonate_scaffold.code.values import Class, Function, Instance, Value

CHECKS = re.compile(
    r"verif|signature|signed|sign_|auth(?!or(?!i))|hmac|digest|token(?!_(?:hex|bytes|urlsafe))|api_?key"
    r"|secret(?!s\.(?:token|choice|rand))|credential|permission|principal|security|bearer|oidc|keycloak"
    r"|current_\w*user|get_user|caller|guard|login|jwt|csrf|protected|ensure_|check_access|require|construct_event"
    r"|roles?_(?:required|accepted)|svix",
    re.IGNORECASE,
)
_HEADERS = re.compile(r"authorization|signature|api-?key|token|secret|hmac|jwt", re.IGNORECASE)
_OWNERS = re.compile(
    r"(owner|owned_by|created_by|user|tenant|account|customer|member|org|organi[sz]ation|team|workspace)(_?(id|uuid))?"
)
_LOOKING_UP = frozenset({"filter", "filter_by", "find_one", "first", "get", "get_or_404", "get_or_none", "where"})
_SAYS_WHO = frozenset({"is_authenticated", "is_active_user", "is_admin", "is_staff", "is_superuser"})
_REFUSES = re.compile(r"HTTP_40[13]_\w+|UNAUTHORIZED|FORBIDDEN")
_GATES = frozenset({"dependencies", "middleware", "route_class"})
_HOOKS = frozenset({"before_request", "before_app_request", "middleware", "add_middleware"})
_APPLICATIONS = frozenset({"FastAPI", "Flask", "Quart", "Starlette"})
_DEEPEST = 4


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
            if scope.module.path.match("*/runtime/console/*.py"):
                continue  # The console of a generated service is an application of its own, with a gate of its own.
            for call in scope.calls:
                self._wired(call, scope)
            for decorator in scope.decorators:
                self._hooked(decorator, scope)

    def is_checked(self, route: Route, scopes: list[Scope]) -> bool:
        """Whether anything on the way of a request looks at who asks; *scopes* are what the route runs."""
        return (
            self.is_gated(route)
            or any(CHECKS.search(it) for it in _names(route.handler))
            or any(self.asks(it) for it in scopes)
        )

    def is_gated(self, route: Route) -> bool:
        """Whether anything looks at who asks before the handler is entered."""
        if self._all_gated or any(argument(route.node, it) for it in _GATES):
            return True
        if isinstance(route.node.func, ast.Attribute):
            made = self._model.router_call(route.node.func.value, route.scope)
            if made is not None and self._is_gated(made[0]):
                return True
        return (
            any(self._decorator_checks(it, route) for it in route.handler.decorators)
            or any(self._handed_checks(it, route.handler, 0) for it in _names(route.handler))
            or (route.handler.class_ is not None and self._class_checks(route.handler.class_))
        )

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
        if isinstance(inner, ast.Attribute) and inner.attr in _HOOKS and self._any_asks(scope):
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
        """Whether a function or a class is called like a check, here or where it is from, or does one."""
        if CHECKS.search(ast.unparse(node)) or CHECKS.search(self._model.evaluate.external(node, scope) or ""):
            return True
        return self._does(self._model.evaluate.value(node, scope))

    def _does(self, value: Value | None, depth: int = 0) -> bool:
        """Whether a function or a class of the program asks, itself or by what is handed to it."""
        match value:
            case Function(function):
                return self._any_asks(function) or self._is_handed_a_check(function, depth)
            case Class(class_) | Instance(class_):
                return any(self._does(Function(it), depth) for it in class_.methods.values())
        return False

    def _any_asks(self, scope: Scope) -> bool:
        return any(self.asks(it) for found in self._model.reached(scope, 2) for it in (found, *found.inner))

    def _is_handed_a_check(self, function: Scope, depth: int) -> bool:
        return depth < _DEEPEST and any(self._parameter_checks(it, function, depth + 1) for it in _names(function))

    def _decorator_checks(self, decorator: ast.expr, route: Route) -> bool:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        return decorator is not route.node and self._sounds(inner, route.scope)

    def _parameter_checks(self, name: str, handler: Scope, depth: int = 0) -> bool:
        return CHECKS.search(name) is not None or self._handed_checks(name, handler, depth)

    def _handed_checks(self, name: str, handler: Scope, depth: int) -> bool:
        handed = self._model.evaluate.name(name, handler)  # by `Depends()`, whose class the annotation says
        found = dependencies_of(self._model, name, handler)
        return any(self._dependency_checks(it, scope, handed, depth) for it, scope in found)

    def _class_checks(self, class_: ProgramClass, depth: int = 0) -> bool:
        """Whether a class of handlers, or one that it extends, has a check as a field: `user: User = Depends(…)`."""
        for annotation, value in class_.fields.values():
            handed = self._model.evaluate.annotated(annotation, class_.outer)
            for node in (annotation, value):
                found = depends_in(self._model, node, class_.outer)
                if any(self._dependency_checks(it, scope, handed, 1) for it, scope in found):
                    return True
        bases = (self._model.evaluate.value(it, class_.outer) for it in class_.node.bases if depth < _DEEPEST)
        return any(isinstance(it, Class) and self._class_checks(it.class_, depth + 1) for it in bases)

    def _dependency_checks(self, depends: ast.Call, scope: Scope, handed: Value | None, depth: int) -> bool:
        """Whether a `Depends(…)` is more than a way to hand something in; `Security(…)` always is.

        What another package gives, or nobody can follow, may be a check: `Depends(HTTPBearer())`.
        """
        if not (self._model.evaluate.external(depends.func, scope) or "").endswith("Depends"):
            return True
        given = argument(depends, "dependency", 0)
        if given is not None and CHECKS.search(ast.unparse(given)):
            return True
        value = self._model.evaluate.value(given, scope) if given is not None else handed
        return self._does(value, depth) if isinstance(value, Function | Class | Instance) else True

    def asks(self, scope: Scope) -> bool:
        """Whether a function calls what sounds like a check, looks at whose something is, or answers 401 or 403."""
        if any(self._call_asks(it, scope) or any(map(refuses, _given(it))) for it in scope.calls):
            return True
        for node in scope.nodes:
            match node:
                case ast.Attribute(attr=name) if _REFUSES.fullmatch(name) or name in _SAYS_WHO or _is_compared(node):
                    return True
                case ast.Subscript(value=ast.Attribute(attr="headers"), slice=key) if _is_credential(key):
                    return True
                case ast.Return(value=ast.Tuple(elts=answer)) if any(map(refuses, answer)):
                    return True
        return False

    def _call_asks(self, call: ast.Call, scope: Scope) -> bool:
        """Whether a call checks: by its name, by the header that it reads, by the secret that a library is given."""
        function = call.func
        if CHECKS.search(_path_of(function)):
            return True
        match function:
            case ast.Attribute(attr="get", value=ast.Attribute(attr="headers")):
                return any(map(_is_credential, call.args[:1]))
            case ast.Attribute(attr=name) if name in _LOOKING_UP:
                if any(_OWNERS.fullmatch(it.arg or "") for it in call.keywords):
                    return True
        known = self._model.evaluate.external(function, scope)
        if known is None or known.startswith(("builtins.", "resonate.")):
            return False
        return CHECKS.search(known) is not None or any(CHECKS.search(it.arg or "") for it in call.keywords)


def _names(handler: Scope) -> Iterator[str]:
    return (it.arg for it in (*handler.positional, *handler.arguments.kwonlyargs))


def _path_of(function: ast.expr) -> str:
    """How what is called is named, but for the variable that it is an attribute of: `self.verifier.check`."""
    text = ast.unparse(function)
    return text if isinstance(function, ast.Name) else text.partition(".")[2]


def _given(call: ast.Call) -> tuple[ast.expr, ...]:
    return (*call.args, *(it.value for it in call.keywords))


def _is_credential(key: ast.expr) -> bool:
    """Whether a header by this name says who asks."""
    return isinstance(key, ast.Constant) and isinstance(key.value, str) and _HEADERS.search(key.value) is not None


def _is_compared(node: ast.Attribute) -> bool:
    """Whether it is compared whose something is: `job.owner_id != user.id`."""
    up = above(node)
    if not isinstance(up, ast.Compare) or _OWNERS.fullmatch(node.attr) is None:
        return False
    return not any(isinstance(it, ast.Constant) for it in (up.left, *up.comparators))


def refuses(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value in (401, 403)
