"""What of a handler's expressions comes from the request: whoever sends it has chosen that."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.flow import only_logged
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.routes import Route, definitions
from resonate_scaffold.code.scopes import Binding, Bound, ProgramClass, Scope, above, is_within
from resonate_scaffold.code.values import Class, Client, Constant, Context, External, Function, Instance, Method, Thing

_PARTS = frozenset(
    {
        "args",
        "body",
        "cookies",
        "data",
        "form",
        "get_data",
        "get_json",
        "headers",
        "json",
        "path_params",
        "query_params",
        "values",
        "view_args",
    }
)
_UNCHANGED = frozenset(
    {"copy", "decode", "dict", "get", "getlist", "get_list", "model_dump", "model_dump_json", "pop", "strip", "to_dict"}
)
_READERS = frozenset(
    {"model_validate", "model_validate_json", "parse_obj", "parse_raw", "validate_python", "validate_json"}
)
_LOOKS_AWAY = re.compile(r"builtins\.(str|repr|len|bool)$|resonate\.")
_DECODERS = frozenset(
    {
        "builtins.bytes",
        "builtins.dict",
        "builtins.str",
        "json.loads",
        "msgspec.convert",
        "msgspec.json.decode",
        "orjson.loads",
        "urllib.parse.unquote",
    }
)
_CARRIERS = re.compile(
    r"resonate\.(types\.)?Value|json\.dumps|orjson\.dumps|msgspec\.json\.encode|dataclasses\.asdict"
    r"|builtins\.(str|repr|dict|list|tuple|format|\w*(Error|Exception))"
)
_CHOSEN = re.compile(r"(typing|typing_extensions)\.Literal|enum\.\w+|builtins\.bool")
_NARROW = re.compile(
    r"builtins\.(int|float)|uuid\.UUID|decimal\.Decimal|datetime\.(date|datetime|time|timedelta)"
    r"|pydantic\.(Positive|Negative|NonNegative|Strict)(Int|Float)|pydantic\.UUID\d"
)
_CONVERTED = re.compile(r"<(?:int|float|uuid)(?:\([^)]*\))?:(\w+)>|\{(\w+):(?:int|float|uuid)\}")
_PLACED = re.compile(r"<(?:[^:<>]*:)?(\w+)>")
_SENT = re.compile(r"(builtins|typing|typing_extensions|uuid|decimal|datetime|enum|pydantic|pathlib)\.|.*\.UploadFile$")
_DEPENDS = frozenset(
    {
        "fastapi.Depends",
        "fastapi.Security",
        "fastapi.params.Depends",
        "fastapi.params.Security",
        "fastapi.param_functions.Depends",
        "fastapi.param_functions.Security",
    }
)


class Asked:
    """The request of one route, as its handler sees it."""

    def __init__(self, model: Model, route: Route) -> None:
        self._model = model
        self._handler = route.handler
        self._framework = route.framework
        self._placed = set(_PLACED.findall(route.path))
        self._converted = {name for pair in _CONVERTED.findall(route.path) for name in pair if name}

    def chose(self, node: ast.expr | None, depth: int = 0) -> bool:
        """Whether an expression is a value of the request, as it came."""
        if depth > 8:
            return False
        match node:
            case ast.Name(id=name):
                return self._name(name, depth)
            case ast.Attribute(value=base, attr=name):
                if self._is_request(base):
                    return name in _PARTS
                return self.chose(base, depth + 1) and not self._is_ours(base, name)
            case ast.Subscript(value=base) | ast.Await(value=base) | ast.NamedExpr(value=base):
                return self.chose(base, depth + 1)
            case ast.Call():
                return self._call(node, depth)
            case ast.JoinedStr(values=[ast.FormattedValue(value=inner)]):
                return self.chose(inner, depth + 1)
            case ast.BoolOp(op=ast.Or(), values=several):
                return any(self.chose(it, depth + 1) for it in several)
            case ast.IfExp(body=body, orelse=orelse):
                return self.chose(body, depth + 1) or self.chose(orelse, depth + 1)
        return False

    def wrote(self, node: ast.expr | None, depth: int = 0) -> bool:
        """Whether free text, or whatever else, of the request is in what an expression makes.

        A number, an enumeration or an index is not: these say nothing of their own.
        """
        if node is None or depth > 12:
            return False
        if self.chose(node):
            return not self._is_narrow(node)
        return any(self.wrote(it, depth + 1) for it in self._contents(node))

    def is_looked_at(self, node: ast.expr, use: ast.Call) -> bool:
        """Whether what came is compared, searched for, or looked up, beside the *use* that it comes for."""
        names = {ast.unparse(node)}
        if isinstance(node, ast.Name):
            names |= {ast.unparse(it.node) for it in self._handler.bindings.get(node.id, ()) if it.how is Bound.value}
        uses = (it for it in self._handler.nodes if isinstance(it, ast.Name | ast.Attribute | ast.Subscript))
        return any(
            self._looks(it)
            for it in uses
            if isinstance(it.ctx, ast.Load) and ast.unparse(it) in names and not is_within(it, use)
        )

    def _looks(self, node: ast.expr) -> bool:
        up = above(node)
        if isinstance(up, ast.Attribute):
            return up.attr.startswith(("startswith", "endswith", "is", "match"))
        if isinstance(up, ast.Compare):
            return not any(isinstance(it, ast.Constant) and it.value is None for it in up.comparators)
        if isinstance(up, ast.Match):
            return True
        if isinstance(up, ast.Subscript):
            return up.slice is node
        if isinstance(up, ast.keyword):
            up = above(up)
        if not isinstance(up, ast.Call) or up.func is node:
            return False
        function = self._model.evaluate.value(up.func, self._handler)
        if isinstance(function, Method) or (isinstance(function, External) and _LOOKS_AWAY.match(function.name)):
            return False
        return not only_logged(self._model, node, self._handler)

    def _name(self, name: str, depth: int) -> bool:
        bindings = self._handler.bindings.get(name, ())
        return bool(bindings) and all(self._binding(it, name, depth) for it in bindings)

    def _binding(self, binding: Binding, name: str, depth: int) -> bool:
        node = binding.node
        if binding.how is Bound.parameter:
            return self._is_given(name)
        if not isinstance(node, ast.expr):
            return False
        if binding.how is Bound.part and isinstance(node, ast.Tuple | ast.List):
            index = binding.index
            known = index is not None and 0 <= index < len(node.elts)
            return known and self.chose(node.elts[index or 0], depth + 1)
        return binding.how in (Bound.value, Bound.part, Bound.each) and self.chose(node, depth + 1)

    def _is_given(self, name: str) -> bool:
        """Whether a parameter is filled from the request, with anything that its sender likes."""
        if self._framework == "starlette" or not any(it.arg == name for it in _parameters(self._handler)):
            return False
        if dependencies_of(self._model, name, self._handler):
            return False
        annotation = self._annotation_of(name)
        if self._framework in ("flask", "quart"):
            return name in self._placed
        value = self._model.evaluate.name(name, self._handler)
        if isinstance(value, Thing) and not _SENT.match(value.of):
            return False  # of the framework, or who knows what another package makes of it
        if annotation is not None and (value is None or isinstance(value, Client | Context)):
            return False
        return not self._is_typed(annotation, self._handler.outer or self._handler, _CHOSEN)

    def _call(self, node: ast.Call, depth: int) -> bool:
        function = node.func
        if isinstance(function, ast.Attribute):
            if self._is_request(function.value):
                return function.attr in _PARTS
            if function.attr in _UNCHANGED:
                return self.chose(function.value, depth + 1)
            if function.attr in _READERS and node.args:
                return self.chose(node.args[0], depth + 1)
        value = self._model.evaluate.value(function, self._handler)
        if isinstance(value, External) and value.name in _DECODERS:
            return bool(node.args) and self.chose(node.args[0], depth + 1)
        if isinstance(value, Class):
            return not node.args and any(it.arg is None and self.chose(it.value, depth + 1) for it in node.keywords)
        return False

    def _contents(self, node: ast.expr) -> Iterator[ast.expr]:
        """The expressions whose text goes into an expression's."""
        match node:
            case ast.Name(id=name):
                for binding in self._handler.bindings.get(name, ()):
                    if binding.how in (Bound.value, Bound.each) and isinstance(binding.node, ast.expr):
                        yield binding.node
            case ast.Dict(values=several) | ast.JoinedStr(values=several) | ast.BoolOp(values=several):
                yield from several
            case ast.List(elts=several) | ast.Tuple(elts=several) | ast.Set(elts=several):
                yield from several
            case ast.FormattedValue(value=inner) | ast.Starred(value=inner) | ast.Await(value=inner):
                yield inner
            case ast.NamedExpr(value=inner):
                yield inner
            case ast.Subscript(value=base) if not isinstance(base, ast.Name):
                yield base
            case ast.BinOp(left=left, right=right):
                yield from (left, right)
            case ast.IfExp(body=body, orelse=orelse):
                yield from (body, orelse)
            case ast.Call():
                yield from self._carried(node)

    def _carried(self, node: ast.Call) -> Iterator[ast.expr]:
        value = self._model.evaluate.value(node.func, self._handler)
        known = isinstance(value, External) and _CARRIERS.fullmatch(value.name)
        if known or isinstance(value, Class):
            yield from (*node.args, *(it.value for it in node.keywords))
        elif isinstance(node.func, ast.Attribute) and not isinstance(value, Function):
            yield node.func.value
            if isinstance(value, External) and value.name in ("builtins.str.format", "builtins.str.join"):
                yield from (*node.args, *(it.value for it in node.keywords))

    def _is_request(self, node: ast.expr) -> bool:
        value = self._model.evaluate.value(node, self._handler)
        if isinstance(value, Thing):
            return value.of.endswith(".Request")
        if isinstance(value, External):
            return value.name in ("flask.request", "quart.request")
        return value is None and isinstance(node, ast.Name) and node.id == "request"

    def _is_ours(self, base: ast.expr, name: str) -> bool:
        """Whether an attribute of a model is made by its class, or can be nothing but one of a few."""
        value = self._model.evaluate.value(base, self._handler)
        if not isinstance(value, Instance):
            return False
        if name in value.class_.methods:
            return True
        annotation = value.class_.fields.get(name, (None, None))[0]
        return self._is_typed(annotation, value.class_.outer, _CHOSEN)

    def _is_narrow(self, node: ast.expr) -> bool:
        """Whether a value is of a type that holds no text."""
        match node:
            case ast.Name(id=name) if name in self._converted:
                return True
            case ast.Name(id=name) if self._annotation_of(name) is not None:
                return self._is_typed(self._annotation_of(name), self._handler.outer or self._handler, _NARROW)
            case ast.Name(id=name):
                nodes = [it.node for it in self._handler.bindings.get(name, ()) if isinstance(it.node, ast.expr)]
                return bool(nodes) and all(self._is_narrow(it) for it in nodes)
            case ast.Attribute(value=base, attr=name):
                value = self._model.evaluate.value(base, self._handler)
                if isinstance(value, Instance):
                    return self._is_typed(value.class_.fields.get(name, (None, None))[0], value.class_.outer, _NARROW)
            case ast.Call(func=ast.Name(id="str"), args=[inner]):
                return self._is_narrow(inner)
            case ast.JoinedStr(values=[ast.FormattedValue(value=inner)]):
                return self._is_narrow(inner)
        return False

    def _annotation_of(self, name: str) -> ast.expr | None:
        return next((it.annotation for it in _parameters(self._handler) if it.arg == name), None)

    def _is_typed(self, annotation: ast.expr | None, scope: Scope, kind: re.Pattern[str]) -> bool:
        """Whether an annotation is a type of a kind, `Annotated` and `| None` aside."""
        value = self._model.evaluate.annotated(annotation, scope)
        if isinstance(value, Thing):
            return kind.fullmatch(value.of) is not None
        if isinstance(value, Instance):
            return kind is _CHOSEN and self._is_enumeration(value.class_)
        return value == Constant(None)

    def _is_enumeration(self, class_: ProgramClass) -> bool:
        names = (self._model.evaluate.external(it, class_.outer) or "" for it in class_.node.bases)
        return any(it.startswith("enum.") for it in names)


def _parameters(handler: Scope) -> list[ast.arg]:
    """The parameters that a framework fills, one by one."""
    return [*handler.positional, *handler.arguments.kwonlyargs]


def dependencies_of(model: Model, name: str, handler: Scope) -> list[tuple[ast.Call, Scope]]:
    """The `Depends(…)` of a parameter, in its default, its annotation, or an alias of that."""
    arguments = handler.arguments
    outer = handler.outer or handler
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults += arguments.defaults
    pairs = [*zip(positional, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return [
        found
        for parameter, default in pairs
        if parameter.arg == name
        for node in (default, parameter.annotation)
        for found in depends_in(model, node, outer)
    ]


def depends_in(model: Model, node: ast.expr | None, scope: Scope, depth: int = 0) -> Iterator[tuple[ast.Call, Scope]]:
    """The `Depends(…)` of an expression, or of the alias that it is."""
    if node is None or depth > 4:
        return
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            if model.evaluate.external(inner.func, scope) in _DEPENDS:
                yield inner, scope
        elif isinstance(inner, ast.Name | ast.Attribute):
            meant = next(definitions(model.evaluate, inner, scope), None)
            if meant is not None and isinstance(meant[0], ast.Subscript):
                yield from depends_in(model, meant[0], meant[1], depth + 1)
