"""`add route`: HTTP that starts a workflow and says how it goes, waits for a quick one, or reads.

POST /orders --workflow place-order              202, Location, and GET /orders/{id}
POST /quotes --workflow quote --wait 5           200 with the result, else 202 and where to poll
GET /stock/{sku} --rpc db.get_stock --wait 5     200 with the result, else 504
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import Taken, Unknown, UsageError
from resonate_scaffold.fields import Field, check_field_name, closest
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports, asked_before, at
from resonate_scaffold.generators.idempotency_key import CALLER
from resonate_scaffold.generators.webhook import tell_webhooks
from resonate_scaffold.layout import Item
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.service.service import Contract
from resonate_scaffold.shapes import annotation, same_values

METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")
MAX_WAIT = 25  # as the service's own: proxies commonly give up after 30 s
_FRAMEWORKS = frozenset({"docs", "redoc", "openapi.json"})
_HEALTH = frozenset({"/livez", "/readyz", "/metrics"})
_BODILESS = frozenset({"GET", "DELETE"})
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|\{[^{}]*\}")
# What the functions of a route call things, and what all of their modules import.
_SPOKEN_FOR = """
    AuthenticatedRoute Progress Request Response accept asked authenticated body caller get_caller get_submission id ids
    l location not_found owned parse poll public_of read record request response root root_id router start started
    submission wait wanted
"""
_RESERVED = frozenset(_SPOKEN_FOR.split())
# Modules of the API that are no routes, and what `create_app` calls things.
_MODULES = frozenset({"app", "create_app", "install", "lifespan", "router", "routers", "settings"})
_LONGEST_PATH = 80
_FIELD_LIMIT = 8  # a longer signature is a request model in disguise


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """``target`` is a durable name, given as ``option`` (``--workflow`` or ``--rpc``); ``wait`` is in seconds."""

    method: str
    path: str
    target: str
    option: str = "--workflow"
    idempotency: str | None = None
    key: str | None = None
    wait: int | None = None


@dataclass(frozen=True, slots=True)
class _Route:
    """What the parts of the generator share."""

    method: str
    path: str
    contract: Contract
    asks: str
    answers: str
    in_path: tuple[Field, ...]
    in_query: tuple[Field, ...]
    in_body: tuple[Field, ...]
    name: str  # orders, orders_order_id_cancel, put_orders_id
    key: str | None  # the name of a key convention
    key_fields: tuple[str, ...]
    per_caller: bool  # whether the key says the caller; else all callers share the work
    idempotency: str
    wait: int | None

    @property
    def pascal(self) -> str:
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def reads(self) -> bool:
        return self.method == "GET"

    @property
    def kind(self) -> str:
        """What the ids of its work begin with."""
        return self.contract.durable if self.key is None else self.key.replace("_", "-")

    @property
    def below(self) -> str:
        """Where work is found, below the path: `PUT` and `DELETE` of one path must not share it."""
        return "" if self.method == "POST" else f"/{self.method.lower()}"

    @property
    def poll_path(self) -> str:
        return f"{self.path}{self.below}/{{id:path}}" if self.key else f"{self.path}{self.below}/{{id}}"

    @property
    def sees(self) -> str:
        """The check of an id from a path: whose work is it?"""
        return "shared" if self.key and not self.per_caller else "visible"

    @property
    def fields(self) -> tuple[Field, ...]:
        return (*self.in_path, *self.in_query, *self.in_body)


def add_route(project: Project, request: RouteRequest) -> Plan:
    """Plan a route: its module, its registration, its tests."""
    method = request.method.upper()
    parameters = _parse_path(request.path)
    addition = Addition(project, "route", f"{method} {request.path}")
    _check_options(method, request)
    idempotency = request.idempotency or ("none" if request.key or method == "GET" else "optional")
    addition.options = contracts.options(
        target=request.target, idempotency=idempotency, key=request.key, wait=request.wait
    )
    if done := asked_before(addition):
        return done
    route = _resolve(addition, request, method, parameters, idempotency)
    _check_free(addition, method, request.path)
    if not route.reads:
        _check_free(addition, "GET", route.poll_path)

    module = f"api.{route.name}"
    path = addition.module(module)
    if route.reads:
        _write_read(addition, path, route)
    else:
        _write_work(addition, path, route)
    addition.include(module)
    if not route.reads and route.contract.group == contracts.GROUP_OF_WORKFLOWS:
        tell_webhooks(addition, route.contract.durable, route.kind)
    _test(addition, route)
    return addition.plan()


def _check_options(method: str, request: RouteRequest) -> None:
    if method not in METHODS:
        raise UsageError(f"{request.method} is not a method of a route", f"One of: {' '.join(METHODS)}")
    if request.wait is not None and not 1 <= request.wait <= MAX_WAIT:
        raise UsageError(f"--wait {request.wait} is not 1 to {MAX_WAIT} seconds", "Proxies give up on longer requests.")
    if method == "GET":
        if request.wait is None:
            raise UsageError("GET starts no work that goes on", "Give --wait SECONDS to read, or use POST.")
        if request.key or request.idempotency not in (None, "none"):
            raise UsageError("GET needs no key: it may be repeated as it is", "Leave --key and --idempotency out.")
    if request.key and request.idempotency not in (None, "none"):
        raise UsageError("With --key the request itself names the work", "Leave --idempotency out.")


def _parse_path(path: str) -> tuple[str, ...]:
    """Check a path, and name its parameters."""
    example = "For example: /orders or /customers/{customer_id}/orders"
    segments = path.removeprefix("/").split("/")
    if len(path) > _LONGEST_PATH:
        raise UsageError(f"A path of {len(path)} characters is too long", f"At most {_LONGEST_PATH}.")
    if not path.startswith("/") or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise UsageError(f"{ascii(path)[1:-1]} is not a path", example)
    if segments[0] in _FRAMEWORKS:
        raise UsageError(f"FastAPI answers below /{segments[0]} itself", example)
    names = [segment[1:-1] for segment in segments if segment.startswith("{")]
    for name in names:
        check_field_name(name, "PATH")
        if name in _RESERVED:
            raise UsageError(f"{{{name}}} means something else in a route", f"Name it for what it is: {{order_{name}}}")
    if len(set(names)) < len(names):
        raise UsageError(f"{path} has a parameter twice", example)
    if segments[0].startswith("{"):
        raise UsageError(f"{path} begins with a parameter, and would answer for every path", example)
    return tuple(names)


def _resolve(
    addition: Addition, request: RouteRequest, method: str, parameters: tuple[str, ...], idempotency: str
) -> _Route:
    contract = contracts.find(addition, request.target, request.option)
    if request.option == "--workflow" and contract.group != contracts.GROUP_OF_WORKFLOWS:
        known = [item.durable for item in addition.service.contracts if item.group == contracts.GROUP_OF_WORKFLOWS]
        raise UsageError(
            f"{request.target} is a function of group {contract.group}", f"Use --rpc. {closest('', known)}"
        )
    asks, answers = contracts.models_of(contract)
    fields = {field.name: field for field in addition.types.fields(asks)}
    for name in parameters:
        if name not in fields:
            hint = f"It takes: {', '.join(fields) or 'nothing'}"
            raise UsageError(f"{request.target} takes no {name}, which the path has", hint)
        if not fields[name].shape.is_scalar:
            hint = "Take it from the body: leave it out of the path."
            raise UsageError(f"{name} is of type {fields[name].shape.spelled}, which no path can hold", hint)
    rest = tuple(field for name, field in fields.items() if name not in parameters)
    record = addition.project.find_add("db-function", contracts.name_of_db(contract))
    if method == "GET" and contract.group == "db" and record is not None and not record.options.get("read_only"):
        raise UsageError(f"{contract.durable} writes, and GET must change nothing", "Use POST.")
    if method in _BODILESS:
        for field in rest:
            shape = field.shape.inner if field.shape.kind == "optional" else field.shape
            if not shape.is_scalar or field.name in _RESERVED:
                hint = "Use POST, which has a body."
                raise UsageError(f"{method} cannot carry {field.name}:{field.shape.spelled} in its query", hint)
        if len(fields) > _FIELD_LIMIT:
            raise UsageError(f"{request.target} takes {len(fields)} fields, too many for a query", "Use POST.")
    key_fields, per_caller = _key_fields(addition, request.key, fields) if request.key else ((), False)
    return _Route(
        method,
        request.path,
        contract,
        asks,
        answers,
        tuple(fields[name] for name in parameters),
        rest if method in _BODILESS else (),
        () if method in _BODILESS else rest,
        addition.distinct(_module_name(method, request.path), lambda it: addition.module(f"api.{it}"), _test_path),
        request.key.replace("-", "_") if request.key else None,
        key_fields,
        per_caller,
        idempotency,
        request.wait,
    )


def _key_fields(addition: Addition, name: str, fields: Mapping[str, Field]) -> tuple[tuple[str, ...], bool]:
    """The fields that a key convention is made of, if the request has them all, and whether it says the caller."""
    known = {key.name: key for key in addition.service.keys}
    key = known.get(name.replace("-", "_"))
    if key is None:
        raise Unknown(f"--key {name}: there is no such convention in ids.py", closest(name, list(known)))
    source = addition.service.source(addition.module("ids"))
    function = source.definitions()[key.name]
    types = {
        argument.arg: addition.types.shape(argument.annotation, source)
        for argument in (function.args.args if isinstance(function, ast.FunctionDef) else [])
        if argument.annotation is not None
    }
    # What may be None is no business field: the service may have no API keys.
    per_caller = CALLER in types and types[CALLER].kind == "optional"
    business = tuple(field for field in key.fields if not per_caller or field != CALLER)
    missing = [field for field in business if field not in fields or fields[field].optional]
    for field in business:
        if field not in missing and field in types and not same_values(types[field], fields[field].shape):
            raise UsageError(
                f"--key {name} is made of {field}:{types[field].spelled}, "
                f"but the request has {field}:{fields[field].shape.spelled}",
                "Take it with that type, or make another convention.",
            )
    if missing:
        raise UsageError(
            f"--key {name} is made of {', '.join(business)}, but the request has no {', '.join(missing)}",
            "Take these fields, and require them.",
        )
    return key.fields, per_caller


def _module_name(method: str, path: str) -> str:
    """``orders`` for POST /orders, ``put_orders_order_id`` for PUT /orders/{order_id}."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_").lower()
    plain = method == "POST" and words.isidentifier() and not keyword.iskeyword(words) and words not in _MODULES
    return words if plain else f"{method.lower()}_{words}"


def _check_free(addition: Addition, method: str, path: str) -> None:
    """Refuse a route that exists, or that another one would answer first."""
    if method == "GET" and path in _HEALTH:
        raise Taken(f"GET {path} is there already: every service answers it", "Choose another path.")
    for route in addition.service.routes:
        if route.method == method and _covers(route.path, path):
            there = f"{route.method} {route.path} ({at(route.place)})"
            if _covers(path, route.path):
                raise Taken(f"{method} {path} is there already: {there}", "Choose another path.")
            raise Taken(f"{there} would answer {method} {path} first", "Choose another path.")


def _covers(pattern: str, path: str) -> bool:
    """Whether a route's path matches whatever another path does."""
    wanted, given = pattern.split("/"), path.split("/")
    if wanted[-1].endswith(":path}") and len(given) >= len(wanted):
        return all(_matches(one, other) for one, other in zip(wanted[:-1], given, strict=False))
    if given[-1].endswith(":path}"):
        return False
    return len(wanted) == len(given) and all(_matches(one, other) for one, other in zip(wanted, given, strict=True))


def _matches(pattern: str, segment: str) -> bool:
    return pattern.startswith("{") or pattern == segment


def _write_work(addition: Addition, path: PurePosixPath, route: _Route) -> None:
    imports = _imports(route)
    imports.names("runtime.http.work", "Progress", "poll", "start", "wait" if route.wait else "accept")
    imports.names("runtime.http.openapi", "POLLED", "PREFER", "waited" if route.wait else "ACCEPTED")
    headers = ["PREFER"] if route.wait else []
    if route.idempotency != "none":
        header = "IDEMPOTENCY_KEY_REQUIRED" if route.idempotency == "required" else "IDEMPOTENCY_KEY"
        imports.names("runtime.http.openapi", header)
        headers.insert(0, header)
    if not route.wait:
        imports.names("runtime.http.work", "Accepted")
    if route.key:
        imports.names("runtime.durable.ids", "public_of")
        imports.add([("ids", None)])
    else:
        imports.names("runtime.http.idempotency", "get_submission")
    if route.in_path:
        imports.names("runtime.http.problems", "not_found")
    asks, result, contract = _models(route, imports)
    accepted = f"Response | {result}" if route.wait else "Accepted"
    options: list[Item | str] = [layout.text(route.path)]
    if route.wait:
        options.append(f"response_model={result}")
    else:
        options.append("status_code=202")
    options.append(f"openapi_extra=authenticated({', '.join(headers)})")
    options.append(f"responses=waited(Progress[{result}])" if route.wait else "responses=ACCEPTED")
    public = "public_of(root)" if route.key else "submission.public_id"
    parameters = list(_parameters(route, imports))
    given = layout.call(asks, _given(route))
    waiting = route.wait and layout.group(
        "await wait(", ["started", result, "request", "response", f"seconds={route.wait}"], ")"
    )
    context = {
        "route": route,
        "docstring": layout.docstring(
            f"{route.method} {route.path} starts `{route.contract.durable}`; GET {route.poll_path} says how it goes."
        ),
        "tag": layout.text(route.path.split("/")[1]),
        "body": _body_class(addition, route, imports),
        "decorator": layout.render(layout.group(f"@router.{route.method.lower()}(", options, ")")),
        "definition": contracts.definition(f"start_{route.name}", parameters, accepted),
        "submission": {"optional": "request", "required": 'request, "required"', "none": 'request, "none"'}[
            route.idempotency
        ],
        "location": layout.strings(_located(route, public, imports), indent=4, before="location = f"),
        "wanted": contracts.statement(given, before="wanted = "),
        "root": contracts.statement(
            _keyed(route) if route.key else layout.group("root_id(", [layout.text(route.kind), public], ")"),
            before="root = ",
        ),
        "start": contracts.statement(
            layout.group(
                "await start(",
                ["caller" if route.key else "submission", contract, "root", "wanted", "location"],
                ")",
            ),
            before="started = ",
        ),
        "answer": contracts.statement(
            waiting or layout.group("accept(", ["started", "response"], ")"), before="return "
        ),
        "poll_decorator": layout.render(
            layout.group(
                "@router.get(",
                [layout.text(route.poll_path), "openapi_extra=authenticated(PREFER)", "responses=POLLED"],
                ")",
            )
        ),
        "poll_definition": contracts.definition(
            f"poll_{route.name}",
            [*_path_parameters(route, imports), "id: str", "request: Request", "response: Response"],
            f"Progress[{result}]",
        ),
        "poll_root": contracts.statement(
            layout.group("root_id(", [layout.text(route.kind), f"caller.{route.sees}(id)"], ")"), before="root = "
        ),
        "same": _same_request(route, contract),
        "result": result,
    }
    _check_parameters(route, imports)
    addition.create("route/work.py", path, context, imports)


def _located(route: _Route, public: str, imports: Imports) -> Iterator[str]:
    """Where the work is found, as pieces of an f-string. Whatever the path held, a header is ASCII."""
    fields = {field.name: field.shape for field in route.in_path}
    for segment in f"{route.path}{route.below}".split("/")[1:]:
        if not segment.startswith("{"):
            yield f"/{segment}"
            continue
        name = segment[1:-1]
        shape = fields[name]
        while shape.kind == "alias":
            shape = shape.inner
        match shape.name:
            case "int" | "UUID" | "date":
                yield f"/{{{name}}}"
                continue
            case "bool":
                yield f"/{{str({name}).lower()}}"
                continue
            case "str":
                text = name
            case "datetime":
                text = f"{name}.isoformat()"
            case _:
                text = f"str({name})"
        imports.names("!urllib", "parse")
        yield f"/{{parse.quote({text}, '')}}"
    yield f"/{{{public}}}"


def _check_parameters(route: _Route, imports: Imports) -> None:
    """Refuse a parameter that would hide what the module imports."""
    imported = {local for _, _, local in imports.items()}
    for field in (*route.in_path, *route.in_query):
        if field.name in imported | _RESERVED:
            hint = "Take it from a body, or give the field another name."
            raise UsageError(f"{field.name} means something else in the code of {route.method} {route.path}", hint)


def _write_read(addition: Addition, path: PurePosixPath, route: _Route) -> None:
    imports = _imports(route)
    imports.names("runtime.http.work", "read")
    imports.names("runtime.http.openapi", "READ")
    imports.names("runtime.durable.ids", "public_id")
    asks, result, contract = _models(route, imports)
    context = {
        "route": route,
        "tag": layout.text(route.path.split("/")[1]),
        "decorator": layout.render(
            layout.group(
                "@router.get(", [layout.text(route.path), "openapi_extra=authenticated()", "responses=READ"], ")"
            )
        ),
        "definition": contracts.definition(
            f"read_{route.name.removeprefix('get_')}", list(_parameters(route, imports)), result
        ),
        "wanted": contracts.statement(layout.call(asks, _given(route)), before="wanted = "),
        "root": contracts.statement(
            layout.group("root_id(", [layout.text(route.kind), "public_id(caller.name, None)"], ")"),
            before="root = ",
        ),
        "answer": contracts.statement(
            layout.group("await read(", ["caller", contract, "root", "wanted", f"seconds={route.wait}"], ")"),
            before="return ",
        ),
    }
    _check_parameters(route, imports)
    addition.create("route/read.py", path, context, imports)


def _imports(route: _Route) -> Imports:
    """What every route imports, but for the models."""
    names = [f"{verb}_{route.name.removeprefix('get_')}" for verb in ("start", "poll", "read")]
    imports = Imports([*_RESERVED, *names, f"{route.pascal}Request", *(field.name for field in route.in_body)])
    imports.names("runtime.durable.ids", "root_id")
    imports.names("runtime.http.auth", "AuthenticatedRoute", "get_caller")
    imports.names("runtime.http.openapi", "authenticated")
    return imports


def _models(route: _Route, imports: Imports) -> tuple[str, str, str]:
    """The request's model, the result's and the contract, as the module writes them."""
    asks, result, contract = (
        imports(name.rpartition(".")[0], _short(name)) for name in (route.asks, route.answers, route.contract.qualified)
    )
    return asks, result, contract


def _short(qualified: str) -> str:
    return qualified.rpartition(".")[2]


def _parameters(route: _Route, imports: Imports) -> Iterator[str]:
    """The parameters of the route's function, those with defaults last."""
    yield from _path_parameters(route, imports)
    written = [_written(field, imports, in_body=False) for field in route.in_query]
    yield from (line for line in written if " = " not in line)
    if route.in_body:
        yield f"body: {route.pascal}Request"
    yield "request: Request"
    if not route.reads:
        yield "response: Response"
    yield from (line for line in written if " = " in line)


def _path_parameters(route: _Route, imports: Imports) -> Iterator[str]:
    for field in route.in_path:
        yield _written(field, imports, in_body=False)


def _written(field: Field, imports: Imports, *, in_body: bool) -> str:
    """A field as the contract has it: name, annotation, default; what it names is imported."""

    end = ""
    if field.annotation is None or field.source is None:
        end = " = None" if field.optional else ""
        return f"{field.name}: {annotation(field.shape, imports)}{end}"
    source = field.source

    def name_of(node: Any) -> str | None:
        qualified = source.qualified(node)
        if qualified is None:
            return None
        module, _, name = qualified.rpartition(".")
        return imports(module, name)

    kind = layout.expression(field.annotation, name_of)
    if field.default is not None:
        value = layout.expression(field.default, name_of)
        if in_body or not _is_field(field.default, source):
            end = f" = {value}"
        elif field.optional:
            hint = "Write its constraints into its type, and a plain default: Annotated[int, Field(ge=1)] = 1"
            raise UsageError(f"{field.name} has a default in Field(…), which a query cannot have", hint)
        else:
            imports.names("!typing", "Annotated")
            kind = f"Annotated[{kind}, {value}]"
    return f"{field.name}: {kind}{end}"


def _body_class(addition: Addition, route: _Route, imports: Imports) -> dict[str, Any] | None:
    if not route.in_body:
        return None
    imports.names("!pydantic", "BaseModel", "ConfigDict")
    example = {field.wire: _example(addition, field).json for field in route.in_body if not field.optional}
    options: list[Item | str] = ['extra="forbid"', "strict=True"]
    options.append(Item(layout.value({"examples": [example]}), "json_schema_extra="))
    return {
        "config": contracts.statement(layout.call("ConfigDict", options), before="model_config = "),
        "fields": [_written(field, imports, in_body=True) for field in route.in_body],
    }


def _given(route: _Route) -> list[Item]:
    """The request of the durable function, from what HTTP gave."""
    in_body = {field.name for field in route.in_body}
    return [
        Item(f"body.{field.name}" if field.name in in_body else field.name, f"{field.name}=") for field in route.fields
    ]


def _keyed(route: _Route) -> layout.Group:
    in_body = {field.name for field in route.in_body}
    given = {CALLER: "caller.name"} if route.per_caller else {}
    arguments = [given.get(name) or (f"body.{name}" if name in in_body else name) for name in route.key_fields]
    return layout.call(f"ids.{route.key}", arguments)


def _same_request(route: _Route, contract: str) -> list[str]:
    """The lines that answer 404 for work of another path."""
    if not route.in_path:
        return []
    if len(route.in_path) == 1:
        (field,) = route.in_path
        condition = f"    if asked.{field.name} != {field.name}:"
    else:
        operands = [f"asked.{field.name} == {field.name}" for field in route.in_path]
        condition = layout.condition("if not (", operands, "):", indent=4)
    return [
        f"    asked = {contract}.stored_request(record)",
        condition,
        "        raise not_found()",
    ]


def _is_field(default: ast.expr, source: Source) -> bool:
    return isinstance(default, ast.Call) and source.qualified(default.func) == "!pydantic.Field"


def _example(addition: Addition, field: Field) -> Any:
    example = addition.types.example(field.shape)
    if example is None:
        raise contracts.no_example(field.name, field.shape)
    return example


def _test(addition: Addition, route: _Route) -> None:
    examples = {field.name: _example(addition, field).json for field in route.fields if not field.optional}
    query = {field.wire: _as_text(examples[field.name]) for field in route.in_query if field.name in examples}
    body = {field.wire: examples[field.name] for field in route.in_body if field.name in examples}
    other = contracts.other_body(addition, route.in_body, route.key_fields)
    certain = contracts.is_certain(addition, route.contract)
    context = {
        "route": route,
        "summary": f"{route.method} {route.path}",
        "path": layout.strings(_filled_path(route, examples), before="PATH = "),
        "query": contracts.statement(layout.value(query), indent=0, before="QUERY = ") if query else "",
        "template": layout.text(route.path),
        "has_body": bool(route.in_body),
        "body": contracts.statement(layout.value(body), indent=0, before="BODY: dict[str, object] = "),
        "required": bool(body),
        "other": other if route.idempotency != "none" or route.key else "",
        "certain": certain,
        "result": _short(route.answers),
    }
    imports = Imports()
    imports.names("runtime.testing.running", "RunningService", "StartService", "problem")
    if certain:
        imports.names(route.answers.rpartition(".")[0], _short(route.answers))
    addition.create(
        "route/test_read.py" if route.reads else "route/test_work.py",
        _test_path(route.name),
        context,
        imports,
    )


def _test_path(name: str) -> PurePosixPath:
    return PurePosixPath("tests", f"test_route_{name}.py")


def _filled_path(route: _Route, examples: Mapping[str, Any]) -> Iterator[str]:
    """The path with examples in place of its parameters, in pieces."""
    from urllib.parse import quote

    for segment in route.path.split("/")[1:]:
        name = segment[1:-1]
        # An instant is spelled as the service itself does.
        text = _as_text(examples[name]).replace("T12:00:00Z", "T12:00:00+00:00") if segment.startswith("{") else ""
        yield f"/{quote(text, safe='') or segment}"


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
