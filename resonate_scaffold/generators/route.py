"""`add route`: HTTP that starts a workflow and says how it goes, waits for a quick one, or reads.

POST /orders --workflow place-order                    202, Location, and where to poll: GET /jobs/orders/{id};
                                                       DELETE there cancels, and GET /jobs/orders lists the
                                                       caller's, the newest first
POST /quotes --workflow quote --wait 5                 200 with the result, else 202 and where to poll
GET /stock/{sku} --rpc db.get_stock --wait 5           200 with the result of a durable function, else 504
GET /orders/{order_id} --query order-by-id             200 with what a query of db/queries/ reads; no work is started
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace

from resonate_scaffold.errors import Unknown, UsageError
from resonate_scaffold.fields import Field, closest
from resonate_scaffold.generators import contract as contracts, route_paths
from resonate_scaffold.generators.addition import Addition, asked_before
from resonate_scaffold.generators.idempotency_key import CALLER
from resonate_scaffold.generators.route_code import RESERVED, Route, write_read, write_work
from resonate_scaffold.generators.route_query import add_query_route
from resonate_scaffold.generators.route_tests import write_test
from resonate_scaffold.generators.webhook import tell_webhooks
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.shapes import same_values

METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")
MAX_WAIT = 25  # as the service's own: proxies commonly give up after 30 s
_BODILESS = frozenset({"GET", "DELETE"})
_FIELD_LIMIT = 8  # a longer signature is a request model in disguise


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """``target`` is a durable name or that of a query, given as ``option`` (``--workflow``, ``--rpc`` or ``--query``).

    ``wait`` is in seconds; ``poll`` where its work is polled; ``name`` that of its module, functions and models.
    """

    method: str
    path: str
    target: str
    option: str = "--workflow"
    idempotency: str | None = None
    key: str | None = None
    wait: int | None = None
    poll: str | None = None
    name: str | None = None
    kind: str | None = None


def add_route(project: Project, request: RouteRequest) -> Plan:
    """Plan a route: its module, its registration, its tests."""
    method = request.method.upper()
    parameters = route_paths.parse_path(request.path, RESERVED)
    addition = Addition(project, "route", f"{method} {request.path}")
    _check_options(method, request)
    record = project.find_add(addition.kind, addition.name)
    usual = route_paths.usual_name(method, request.path)
    given = request.name or (record.options.get("name", usual) if record is not None else None)
    name = route_paths.module_name(addition, method, request.path, given)
    chosen = {"name": name} if name != usual else {}
    if request.option == "--query":
        return add_query_route(addition, request.path, parameters, request.target, name, chosen)

    idempotency = request.idempotency or ("none" if request.key or method == "GET" else "optional")
    addition.options = contracts.options(
        target=request.target, idempotency=idempotency, key=request.key, wait=request.wait
    )
    kind = request.kind or (record.options.get("kind") if record is not None else None)
    recorded = {"poll": request.poll, "kind": kind}
    addition.options |= {**{option: it for option, it in recorded.items() if it}, **chosen}
    if done := asked_before(addition):
        return done
    poll = route_paths.poll_path(request.poll, name)
    route = _resolve(addition, request, method, parameters, idempotency, name, poll, kind)
    route_paths.check_free(addition, method, request.path)
    if not route.reads:
        route_paths.check_free(addition, "GET", poll, "--poll")
        route_paths.check_apart(request.path, poll)
        if method == "POST":  # What changes or deletes one thing is asked about by its id.
            route = replace(route, list_path=route_paths.list_path(addition, request.path, poll))
    if route.is_canceled:
        if (method, request.path) == ("DELETE", poll):
            raise UsageError(
                f"DELETE {poll} cancels the work that is polled there", "Choose another one: --poll …/{id}"
            )
        route_paths.check_free(addition, "DELETE", poll, "--poll")

    module = f"api.{name}"
    (write_read if route.reads else write_work)(addition, addition.module(module), route)
    addition.include(module)
    if not route.reads and route.contract.group == contracts.GROUP_OF_WORKFLOWS:
        tell_webhooks(addition, route.contract.durable, route.kind)
    write_test(addition, route)
    return addition.plan()


def _check_options(method: str, request: RouteRequest) -> None:
    if method not in METHODS:
        raise UsageError(f"{request.method} is not a method of a route", f"One of: {' '.join(METHODS)}")
    if request.option == "--query":
        if method != "GET":
            raise UsageError(f"A query reads, and {method} is no reading", "Use GET.")
        if request.wait is not None or request.key or request.idempotency or request.poll:
            hint = "Leave --wait, --key, --idempotency and --poll out."
            raise UsageError("A query starts no work: there is nothing to wait for or to name", hint)
        return
    if request.wait is not None and not 1 <= request.wait <= MAX_WAIT:
        raise UsageError(f"--wait {request.wait} is not 1 to {MAX_WAIT} seconds", "Proxies give up on longer requests.")
    if method == "GET":
        if request.wait is None:
            hint = "Give --query NAME to read rows, --wait SECONDS for what must be computed, or use POST."
            raise UsageError("GET starts no work that goes on", hint)
        if request.key or request.idempotency not in (None, "none"):
            raise UsageError("GET needs no key: it may be repeated as it is", "Leave --key and --idempotency out.")
        if request.poll:
            raise UsageError("GET answers with the result: there is nothing to poll", "Leave --poll out.")
    if request.key and request.idempotency not in (None, "none"):
        raise UsageError("With --key the request itself names the work", "Leave --idempotency out.")


def _resolve(
    addition: Addition,
    request: RouteRequest,
    method: str,
    parameters: tuple[str, ...],
    idempotency: str,
    name: str,
    poll: str,
    kind: str | None,
) -> Route:
    contract = contracts.find(addition, request.target, request.option)
    if request.option == "--workflow" and contract.group != contracts.GROUP_OF_WORKFLOWS:
        known = [item.durable for item in addition.service.contracts if item.group == contracts.GROUP_OF_WORKFLOWS]
        raise UsageError(
            f"{request.target} is a function of group {contract.group}", f"Use --rpc. {closest('', known)}"
        )
    asks, answers = contracts.models_of(contract)
    fields = {field.name: field for field in addition.types.fields(asks)}
    for parameter in parameters:
        if parameter not in fields:
            hint = f"It takes: {', '.join(fields) or 'nothing'}"
            raise UsageError(f"{request.target} takes no {parameter}, which the path has", hint)
        if not fields[parameter].shape.is_scalar:
            hint = "Take it from the body: leave it out of the path."
            spelled = fields[parameter].shape.spelled
            raise UsageError(f"{parameter} is of type {spelled}, which no path can hold", hint)
    rest = tuple(field for field in fields.values() if field.name not in parameters)
    record = addition.project.find_add("db-function", contracts.name_of_db(contract))
    if method == "GET" and contract.group == "db" and record is not None and not record.options.get("read_only"):
        raise UsageError(f"{contract.durable} writes, and GET must change nothing", "Use POST.")
    if method in _BODILESS:
        for field in rest:
            shape = field.shape.inner if field.shape.kind == "optional" else field.shape
            if not shape.is_scalar or field.name in RESERVED:
                hint = "Use POST, which has a body."
                raise UsageError(f"{method} cannot carry {field.name}:{field.shape.spelled} in its query", hint)
        if len(fields) > _FIELD_LIMIT:
            raise UsageError(f"{request.target} takes {len(fields)} fields, too many for a query", "Use POST.")
    key_fields, per_caller = _key_fields(addition, request.key, fields) if request.key else ((), False)
    key = request.key.replace("-", "_") if request.key else None
    if key is not None:
        kind = key.replace("_", "-")
    elif method == "GET":
        kind = contract.durable  # each time under a new id, which nobody asks for again
    elif kind is None:
        kind = route_paths.kind_of(addition, method, name)
    return Route(
        method=method,
        path=request.path,
        contract=contract,
        asks=asks,
        answers=answers,
        in_path=tuple(fields[parameter] for parameter in parameters),
        in_query=rest if method in _BODILESS else (),
        in_body=() if method in _BODILESS else rest,
        name=name,
        poll_path=poll,
        kind=kind,
        key=key,
        key_fields=key_fields,
        per_caller=per_caller,
        idempotency=idempotency,
        wait=request.wait,
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
