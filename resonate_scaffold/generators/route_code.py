"""The modules of routes that start durable work, or read through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import UsageError
from resonate_scaffold.fields import Field
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports
from resonate_scaffold.generators.idempotency_key import CALLER
from resonate_scaffold.generators.signatures import written
from resonate_scaffold.layout import Item
from resonate_scaffold.service.things import Contract

# What the functions of a route call things, and what all of their modules import.
_SPOKEN_FOR = """
    AuthenticatedRoute Progress Request Response accept authenticated body caller cancel cursor found get_caller
    get_submission ids l limit location not_found order owned paged poll public_of read reading request response
    root root_id router session start started submission wait wanted
"""
RESERVED = frozenset(_SPOKEN_FOR.split())


@dataclass(frozen=True, slots=True)
class Route:
    """A route that starts or reads through durable work: what the parts of the generator share.

    ``name`` is that of its module: ``orders``, ``put_orders_order_id``. ``kind`` is what ids of its work begin with,
    ``key`` the name of a key convention, ``per_caller`` whether that says the caller: else all callers share the work.
    ``list_path`` is where its work is listed; None where no path for it is free.
    """

    method: str
    path: str
    contract: Contract
    asks: str
    answers: str
    in_path: tuple[Field, ...]
    in_query: tuple[Field, ...]
    in_body: tuple[Field, ...]
    name: str
    poll_path: str
    kind: str
    key: str | None
    key_fields: tuple[str, ...]
    per_caller: bool
    idempotency: str
    wait: int | None
    list_path: str | None = None

    @property
    def pascal(self) -> str:
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def reads(self) -> bool:
        return self.method == "GET"

    @property
    def is_canceled(self) -> bool:
        """Whether its work is canceled where it is polled: a function goes on to its end."""
        return not self.reads and self.contract.group == contracts.GROUP_OF_WORKFLOWS

    @property
    def polled_below(self) -> str:
        """Where its work is polled, without the id."""
        return self.poll_path.removesuffix("/{id}")

    @property
    def sees(self) -> str:
        """The check of an id from a path: whose work is it?"""
        return "shared" if self.key and not self.per_caller else "visible"

    @property
    def fields(self) -> tuple[Field, ...]:
        return (*self.in_path, *self.in_query, *self.in_body)


def write_work(addition: Addition, path: PurePosixPath, route: Route) -> None:
    """Make the module of a route that starts work."""
    imports = _imports(route)
    imports.names("runtime.http.work", "Progress", "poll", "start", "wait" if route.wait else "accept")
    imports.names("runtime.http.openapi", "POLLED", "PREFER", "waited" if route.wait else "ACCEPTED")
    headers: list[Item | str] = ["PREFER"] if route.wait else []
    if route.idempotency != "none":
        header = "IDEMPOTENCY_KEY_REQUIRED" if route.idempotency == "required" else "IDEMPOTENCY_KEY"
        imports.names("runtime.http.openapi", header)
        headers.insert(0, header)
    headers.append(Item(layout.text(route.poll_path), "polled_at="))
    if not route.wait:
        imports.names("runtime.http.work", "Accepted")
    if route.key:
        imports.names("runtime.durable.ids", "public_of")
        imports.add([("ids", None)])
    else:
        imports.names("runtime.http.idempotency", "get_submission")
    if route.is_canceled:
        imports.names("runtime.http.cancel", "cancel")
        imports.names("runtime.http.openapi", "CANCELED")
    if route.list_path:
        imports.names("runtime.http.pages", "Cursor", "Limit")
        imports.names("runtime.http.runs", "RUNS_LISTED", "StatusFilter", "WorkList", "list_work")
    asks, result, contract = _models(route, imports)
    accepted = f"Response | {result}" if route.wait else "Accepted"
    options: list[Item | str] = [layout.text(route.path)]
    options.append(f"response_model={result}" if route.wait else "status_code=202")
    options.append(Item(layout.call("authenticated", headers), "openapi_extra="))
    options.append(f"responses=waited(Progress[{result}])" if route.wait else "responses=ACCEPTED")
    public = "public_of(root)" if route.key else "submission.public_id"
    located = [*(f"/{segment}" for segment in route.polled_below.split("/")[1:]), f"/{{{public}}}"]
    parameters = list(_parameters(route, imports))
    given = layout.call(asks, _given(route))
    waiting = route.wait and layout.group(
        "await wait(", ["started", result, "request", "response", f"seconds={route.wait}"], ")"
    )
    made = layout.group("root_id(", [layout.text(route.kind), public], ")")
    start = layout.group(
        "await start(", ["caller" if route.key else "submission", contract, "root", "wanted", "location"], ")"
    )
    polled = [layout.text(route.poll_path), "openapi_extra=authenticated(PREFER)", "responses=POLLED"]
    canceled = [layout.text(route.poll_path), "status_code=202", "openapi_extra=authenticated()", "responses=CANCELED"]
    seen = layout.group("root_id(", [layout.text(route.kind), f"caller.{route.sees}(id)"], ")")
    context = {
        "route": route,
        "docstring": layout.docstring(
            f"{route.method} {route.path} starts `{route.contract.durable}`; GET {route.poll_path} says how it goes"
            + (f", GET {route.list_path} lists all." if route.list_path else ".")
        ),
        "tag": layout.text(route.path.split("/")[1]),
        "body": _body_class(addition, route, imports),
        "decorator": layout.render(layout.group(f"@router.{route.method.lower()}(", options, ")")),
        "definition": contracts.definition(f"start_{route.name}", parameters, accepted),
        "submission": {"optional": "request", "required": 'request, "required"', "none": 'request, "none"'}[
            route.idempotency
        ],
        "location": layout.strings(located, indent=4, before="location = f"),
        "wanted": contracts.statement(given, before="wanted = "),
        "root": contracts.statement(_keyed(route) if route.key else made, before="root = "),
        "start": contracts.statement(start, before="started = "),
        "answer": contracts.statement(
            waiting or layout.group("accept(", ["started", "response"], ")"), before="return "
        ),
        "poll_decorator": layout.render(layout.group("@router.get(", polled, ")")),
        "poll_definition": contracts.definition(
            f"poll_{route.name}", ["id: str", "request: Request", "response: Response"], f"Progress[{result}]"
        ),
        "poll_root": contracts.statement(seen, before="root = "),
        "cancel_decorator": layout.render(layout.group("@router.delete(", canceled, ")")),
        "cancel_definition": contracts.definition(
            f"cancel_{route.name}", ["id: str", "request: Request", "response: Response"], f"Progress[{result}]"
        ),
        "result": result,
        "listed": _listed(route) if route.list_path else None,
    }
    check_parameters((*route.in_path, *route.in_query), imports, f"{route.method} {route.path}")
    addition.create("route/work.py", path, context, imports)


def _listed(route: Route) -> dict[str, str]:
    """The route that lists the work which another one starts."""
    options = [layout.text(route.list_path or ""), "openapi_extra=authenticated()", "responses=RUNS_LISTED"]
    parameters = ["request: Request", "response: Response"]
    parameters += ["status: StatusFilter = None", "limit: Limit = 50", "cursor: Cursor = None"]
    given: list[Item | str] = [layout.text(route.kind), "request", "response"]
    given += [Item(name, f"{name}=") for name in ("status", "limit", "cursor")]
    if route.list_path != route.polled_below:
        given.append(Item(layout.text(route.polled_below), "polled_at="))
    if route.sees == "shared":
        given.append("is_shared=True")
    answer = layout.group("await list_work(", given, ")")
    return {
        "decorator": layout.render(layout.group("@router.get(", options, ")")),
        "definition": contracts.definition(f"list_{route.name}", parameters, "WorkList"),
        "answer": contracts.statement(answer, before="return "),
        "summary": "All of it" if route.sees == "shared" else "The caller's own",
    }


def write_read(addition: Addition, path: PurePosixPath, route: Route) -> None:
    """Make the module of a route that reads through a durable function."""
    imports = _imports(route)
    imports.names("runtime.http.work", "read")
    imports.names("runtime.http.openapi", "READ")
    imports.names("runtime.durable.ids", "public_id")
    asks, result, contract = _models(route, imports)
    options = [layout.text(route.path), "openapi_extra=authenticated()", "responses=READ"]
    root = layout.group("root_id(", [layout.text(route.kind), "public_id(caller.name, None)"], ")")
    read = layout.group("await read(", ["caller", contract, "root", "wanted", f"seconds={route.wait}"], ")")
    context = {
        "route": route,
        "tag": layout.text(route.path.split("/")[1]),
        "decorator": layout.render(layout.group("@router.get(", options, ")")),
        "definition": contracts.definition(
            f"read_{route.name.removeprefix('get_')}", list(_parameters(route, imports)), result
        ),
        "wanted": contracts.statement(layout.call(asks, _given(route)), before="wanted = "),
        "root": contracts.statement(root, before="root = "),
        "answer": contracts.statement(read, before="return "),
    }
    check_parameters((*route.in_path, *route.in_query), imports, f"{route.method} {route.path}")
    addition.create("route/read.py", path, context, imports)


def check_parameters(fields: tuple[Field, ...], imports: Imports, route: str) -> None:
    """Refuse a parameter that would hide what the module imports."""
    imported = {local for _, _, local in imports.items()}
    for field in fields:
        if field.name in imported | RESERVED:
            hint = "Take it from a body, or give the field another name."
            raise UsageError(f"{field.name} means something else in the code of {route}", hint)


def _imports(route: Route) -> Imports:
    """What every route imports, but for the models."""
    verbs = ("start", "poll", "list", "cancel", "read")
    names = [f"{verb}_{route.name.removeprefix('get_')}" for verb in verbs]
    imports = Imports([*RESERVED, "id", *names, f"{route.pascal}Request", *(field.name for field in route.in_body)])
    imports.names("runtime.durable.ids", "root_id")
    imports.names("runtime.http.auth", "AuthenticatedRoute", "get_caller")
    imports.names("runtime.http.openapi", "authenticated")
    return imports


def _models(route: Route, imports: Imports) -> tuple[str, str, str]:
    """The request's model, the result's and the contract, as the module writes them."""
    asks, result, contract = (
        imports(name.rpartition(".")[0], name.rpartition(".")[2])
        for name in (route.asks, route.answers, route.contract.qualified)
    )
    return asks, result, contract


def _parameters(route: Route, imports: Imports) -> Iterator[str]:
    """The parameters of the route's function, those with defaults last."""
    yield from (written(field, imports, in_body=False) for field in route.in_path)
    lines = [written(field, imports, in_body=False) for field in route.in_query]
    yield from (line for line in lines if " = " not in line)
    if route.in_body:
        yield f"body: {route.pascal}Request"
    yield "request: Request"
    if not route.reads:
        yield "response: Response"
    yield from (line for line in lines if " = " in line)


def _body_class(addition: Addition, route: Route, imports: Imports) -> dict[str, Any] | None:
    if not route.in_body:
        return None
    imports.names("!pydantic", "BaseModel", "ConfigDict")
    example = {field.wire: contracts.example(addition, field).json for field in route.in_body if not field.optional}
    options: list[Item | str] = ['extra="forbid"', "strict=True"]
    options.append(Item(layout.value({"examples": [example]}), "json_schema_extra="))
    return {
        "config": contracts.statement(layout.call("ConfigDict", options), before="model_config = "),
        "fields": [written(field, imports, in_body=True) for field in route.in_body],
    }


def _given(route: Route) -> list[Item]:
    """The request of the durable function, from what HTTP gave."""
    in_body = {field.name for field in route.in_body}
    return [
        Item(f"body.{field.name}" if field.name in in_body else field.name, f"{field.name}=") for field in route.fields
    ]


def _keyed(route: Route) -> layout.Group:
    in_body = {field.name for field in route.in_body}
    given = {CALLER: "caller.name"} if route.per_caller else {}
    arguments = [given.get(name) or (f"body.{name}" if name in in_body else name) for name in route.key_fields]
    return layout.call(f"ids.{route.key}", arguments)
