"""The routes of a program: every path operation, under the prefix of each router that leads to it.

A router is known by the call that makes it, so it is followed through names, modules, loops, functions that make
routers, and `ROUTERS` lists, which the runtime of a generated service includes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from resonate_scaffold.code.evaluate import Evaluator
from resonate_scaffold.code.lists import elements
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import Binding, Bound, Scope, above
from resonate_scaffold.code.values import External, Function, Instance, ModuleOf, Thing, Value

UNKNOWN = "…"
"""Stands in a path for what only the run knows."""

ROUTERS = "ROUTERS"
_HTTP_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
_APPLICATIONS = frozenset(
    {
        "fastapi.FastAPI",
        "fastapi.applications.FastAPI",
        "starlette.applications.Starlette",
        "flask.Flask",
        "quart.Quart",
    }
)
_ROUTERS = frozenset(
    {"fastapi.APIRouter", "fastapi.routing.APIRouter", "starlette.routing.Router", "flask.Blueprint", "quart.Blueprint"}
)
_ROUTE_CLASSES = frozenset({"starlette.routing.Route", "fastapi.routing.APIRoute"})
# What puts one router below another: the parameters that are the inner one and its prefix, and their places.
_INCLUDING = {
    "include_router": (("router", 0), ("prefix", None)),
    "mount": (("app", 1), ("path", 0)),
    "register_blueprint": (("blueprint", 0), ("url_prefix", None)),
}
_DEEPEST = 6


@dataclass(slots=True, eq=False)
class Route:
    """A path operation: ``handler`` serves ``methods`` (upper case) of ``path``. ``node`` declares it.

    ``is_included``: an application, or a list of routers, leads to it; else nobody reaches it.
    """

    handler: Scope
    methods: tuple[str, ...]
    path: str
    node: ast.Call
    scope: Scope
    router: Value | None
    framework: str
    is_included: bool = True


class Routes:
    """Reads the routes of some scopes. Names are followed into whatever file of the program they lead."""

    def __init__(self, evaluate: Evaluator, scopes: Iterable[Scope]) -> None:
        self._evaluate = evaluate
        self._scopes = list(scopes)
        self._outer: dict[ast.Call, list[tuple[ast.Call | None, str]]] = {}
        """Of each router the ones that include it, and by what prefix; None is an application that is not known."""
        self._made_in: dict[ast.Call, Scope] = {}
        self._find_outer()

    def read(self) -> Iterator[Route]:
        """Every route, in the order of the files."""
        for scope in self._scopes:
            for decorator in scope.decorators:
                if isinstance(decorator, ast.Call):
                    yield from self._operations(decorator, scope.outer or scope, scope)
            for call in scope.calls:
                yield from self._declared(call, scope)

    def _operations(self, call: ast.Call, scope: Scope, handler: Scope) -> Iterator[Route]:
        """What a decorator such as `@router.get("/path")` declares."""
        if not isinstance(call.func, ast.Attribute):
            return
        verb = call.func.attr
        router = self._evaluate.value(call.func.value, scope)
        path = argument(call, "path", 0) or argument(call, "rule")
        if not self._is_router(router) or path is None:
            return
        if verb in _HTTP_METHODS:
            methods: tuple[str, ...] = (verb.upper(),)
        elif verb in ("route", "api_route"):
            methods = self._methods(argument(call, "methods"), scope)
        else:
            return
        framework = router.of.partition(".")[0] if isinstance(router, Thing) else "fastapi"
        for prefix, included in self._prefixes(call.func.value, scope):
            whole = prefix + self._path(path, scope)
            yield Route(handler, methods, whole, call, scope, router, framework, included)

    def _declared(self, call: ast.Call, scope: Scope) -> Iterator[Route]:
        """`Route("/path", handler)`, also in a `Mount`, and `app.add_api_route("/path", handler)`."""
        function = self._evaluate.value(call.func, scope)
        if not isinstance(function, External):
            return
        owner, _, name = function.name.rpartition(".")
        added = name in ("add_api_route", "add_route", "add_url_rule") and owner in _APPLICATIONS | _ROUTERS
        if function.name not in _ROUTE_CLASSES and not added:
            return
        path = argument(call, "path", 0) or argument(call, "rule")
        handler = self._evaluate.value(argument(call, "endpoint", 1) or argument(call, "view_func"), scope)
        if path is None or not isinstance(handler, Function):
            return
        methods = self._methods(argument(call, "methods"), scope)
        places = [(self._mounts_around(call, scope), True)]
        if added and isinstance(call.func, ast.Attribute):
            places = self._prefixes(call.func.value, scope)
        for prefix, included in places:
            whole = prefix + self._path(path, scope)
            yield Route(handler.scope, methods, whole, call, scope, None, function.name.partition(".")[0], included)

    def _mounts_around(self, call: ast.Call, scope: Scope) -> str:
        """The prefix of the `Mount`s in which a route is written."""
        prefix, up = "", above(call)
        while isinstance(up, ast.expr | ast.keyword):
            if isinstance(up, ast.Call) and self._evaluate.external(up.func, scope) == "starlette.routing.Mount":
                prefix = self._path(argument(up, "path", 0), scope) + prefix
            up = above(up)
        return prefix

    def _methods(self, node: ast.expr | None, scope: Scope) -> tuple[str, ...]:
        items = self._evaluate.each(node, scope) if node is not None else None
        texts = [self._evaluate.text(item, holder) for item, holder in items or ()]
        return tuple(text.upper() for text in texts if text is not None) or ("GET",)

    def _path(self, node: ast.expr | None, scope: Scope) -> str:
        """A part of a path; what is not known of it is said to be so."""
        if node is None:
            return ""
        parts = self._evaluate.parts(node, scope)
        return UNKNOWN if parts is None else "".join(UNKNOWN if part is None else part for part in parts)

    # -- routers ------------------------------------------------------------------------------------------------------

    def _is_router(self, value: Value | None, known: frozenset[str] = _APPLICATIONS | _ROUTERS) -> bool:
        if isinstance(value, Instance):
            bases = [self._evaluate.value(node, value.class_.outer) for node in value.class_.node.bases]
            return any(isinstance(base, External) and base.name in known for base in bases)
        return isinstance(value, Thing) and value.of in known

    def _find_outer(self) -> None:
        for scope in self._scopes:
            for call in scope.calls:
                if isinstance(call.func, ast.Attribute) and call.func.attr in _INCLUDING:
                    self._includes(call, call.func, scope)
        for module in {scope.module for scope in self._scopes}:
            if ROUTERS in module.scope.bindings:
                for item, holder in elements(self._evaluate, ROUTERS, module.scope):
                    self._put_below([None], self.made(item, holder), "")

    def _includes(self, call: ast.Call, function: ast.Attribute, scope: Scope) -> None:
        inner, given = _INCLUDING[function.attr]
        outer = self.made(function.value, scope)
        value = self._evaluate.value(function.value, scope)
        if not outer and value is not None and not self._is_router(value):
            return  # something else that includes
        prefix = self._path(argument(call, *given), scope)
        self._put_below(outer or [None], self.made(argument(call, *inner), scope), prefix)

    def _put_below(self, outer: Iterable[ast.Call | None], inner: Iterable[ast.Call], prefix: str) -> None:
        for one in inner:
            found = self._outer.setdefault(one, [])
            found += [(it, prefix) for it in outer if (it, prefix) not in found]

    def _prefixes(self, node: ast.expr, scope: Scope) -> list[tuple[str, bool]]:
        """By which prefixes a router is reached, and whether it is."""
        found = [place for call in self.made(node, scope) for place in self._places(call, scope, ())]
        return list(dict.fromkeys(found)) or [("", True)]

    def _places(self, call: ast.Call, scope: Scope, inside: tuple[ast.Call, ...]) -> list[tuple[str, bool]]:
        holder = self._made_in.get(call, scope)
        own = self._path(argument(call, "prefix") or argument(call, "url_prefix"), holder)
        outer = self._outer.get(call, [])
        if not outer or call in inside:
            return [(own, self._is_router(self._evaluate.value(call, holder), _APPLICATIONS))]
        found: list[tuple[str, bool]] = []
        for router, prefix in outer:
            above_it = [("", True)] if router is None else self._places(router, holder, (*inside, call))
            found += [(f"{whole}{prefix}{own}", included) for whole, included in above_it]
        return found

    def made(self, node: ast.expr | None, scope: Scope) -> list[ast.Call]:
        """The calls that may have made the router or application that an expression means."""
        found = list(self._made(node, scope, 0)) if node is not None else []
        self._made_in.update(found)
        return [call for call, _ in found]

    def _made(self, node: ast.expr, scope: Scope, depth: int) -> Iterator[tuple[ast.Call, Scope]]:
        for expression, holder in definitions(self._evaluate, node, scope):
            function = self._evaluate.value(expression.func, holder) if isinstance(expression, ast.Call) else None
            if isinstance(function, Function) and depth < _DEEPEST:
                for returned in function.scope.found(ast.Return):
                    if returned.value is not None:
                        yield from self._made(returned.value, function.scope, depth + 1)
            elif isinstance(expression, ast.Call) and self._is_router(self._evaluate.value(expression, holder)):
                yield expression, holder


def definitions(evaluate: Evaluator, node: ast.expr, scope: Scope, depth: int = 0) -> Iterator[tuple[ast.expr, Scope]]:
    """The expressions that a name may be bound to, here or where it comes from; of anything else itself."""
    if depth > _DEEPEST:
        return
    match node:
        case ast.Name(id=name):
            yield from _bound(evaluate, name, scope, depth)
        case ast.Attribute(value=base, attr=name):
            holder = evaluate.value(base, scope)
            if isinstance(holder, ModuleOf):
                yield from _bound(evaluate, name, holder.module.scope, depth)
            elif isinstance(holder, Instance):
                for inner, value, _ in holder.class_.attributes.get(name, ()):
                    if value is not None:
                        yield from definitions(evaluate, value, inner, depth + 1)
        case _:
            yield node, scope


def _bound(evaluate: Evaluator, name: str, scope: Scope, depth: int) -> Iterator[tuple[ast.expr, Scope]]:
    holder: Scope | None = scope
    while holder is not None and name not in holder.bindings:
        if holder.outer is None:
            for star in holder.bindings.get("*", ()):
                yield from _imported(evaluate, star, name, holder, depth)
        holder = holder.outer
    for binding in holder.bindings[name] if holder is not None else ():
        assert holder is not None
        if binding.how in (Bound.value, Bound.entered) and isinstance(binding.node, ast.expr):
            yield from definitions(evaluate, binding.node, binding.inside or holder, depth + 1)
        elif binding.how is Bound.imported and binding.member is not None:
            yield from _imported(evaluate, binding, binding.member, holder, depth)
        elif binding.how is Bound.each and binding.index is None and isinstance(binding.node, ast.expr):
            for item, where in evaluate.each(binding.node, binding.inside or holder) or ():
                yield from definitions(evaluate, item, where, depth + 1)
        elif binding.how is Bound.parameter and isinstance(binding.node, ast.arg):
            places = [it.arg for it in holder.positional]
            place = places.index(name) if name in places else None
            for call, caller in evaluate.calls_of(holder):
                given = argument(call, name, place)
                if given is not None:
                    yield from definitions(evaluate, given, caller, depth + 1)


def _imported(
    evaluate: Evaluator, binding: Binding, name: str, holder: Scope, depth: int
) -> Iterator[tuple[ast.expr, Scope]]:
    path = evaluate.program.importing(holder.module, binding.module, binding.level)
    module = evaluate.program.modules.get(path) if path is not None else None
    if module is not None and module is not holder.module and depth < _DEEPEST:
        yield from _bound(evaluate, name, module.scope, depth + 1)
