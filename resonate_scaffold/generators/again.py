"""What a recorded ``add`` makes, made again: a record is a file that anybody may have written, and this is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.errors import ManifestError, ScaffoldError, plain
from resonate_scaffold.generators.client import ClientRequest, add_client
from resonate_scaffold.generators.db_function import DbFunctionRequest, add_db_function
from resonate_scaffold.generators.deploy import DeployRequest, add_deploy
from resonate_scaffold.generators.entities import EntityRequest
from resonate_scaffold.generators.entity import add_entity
from resonate_scaffold.generators.field import FieldRequest, add_field
from resonate_scaffold.generators.group import GroupRequest, add_group
from resonate_scaffold.generators.idempotency_key import KeyRequest, add_idempotency_key
from resonate_scaffold.generators.query import QueryRequest, add_query
from resonate_scaffold.generators.route import RouteRequest, add_route
from resonate_scaffold.generators.rpc import RpcRequest, add_rpc
from resonate_scaffold.generators.schedule import ScheduleRequest, add_schedule
from resonate_scaffold.generators.webhook import WebhookRequest, add_webhook
from resonate_scaffold.generators.workflow import WorkflowRequest, add_workflow
from resonate_scaffold.plan import Create, Plan
from resonate_scaffold.project import ADDS, Added, Project

_NOW = datetime(2020, 1, 1, tzinfo=UTC)  # only what is told of a schedule depends on it


def files_made_by(project: Project, record: Added) -> Mapping[PurePosixPath, bytes] | None:
    """The files that the ``add`` of a record makes in a service that has nothing of it; None where it makes none.

    That is so where what it was made of has changed since, such as a type; and of a record that no ``add`` wrote.
    """
    plan = planned_again(project, record)
    if plan is None:
        return None
    created = (change for change in plan.changes if isinstance(change, Create))
    return {change.path: change.content for change in created if ADDS not in change.path.parents}


def planned_again(project: Project, record: Added) -> Plan | None:
    """The plan of the ``add`` of a record; None where it is refused."""
    try:
        return plan_again(project, record.kind, record.name, record.options)
    except ScaffoldError:
        return None


def plan_again(project: Project, kind: str, name: str, options: Mapping[str, Any]) -> Plan:
    """The plan of an ``add``, by what its record says was asked for.

    Raises:
        ScaffoldError: it is refused, or no ``add`` wrote such a record.
    """
    try:
        return _ADDS[kind](project, name, options)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{kind} {name} is recorded with options that this version does not know: {error!r}"
        raise ManifestError(plain(reason), f"Restore its record in {ADDS}, or remove and add it again.") from error


def _typed(options: Mapping[str, Any], *names: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(options[name]) for name in names}


def _workflow(project: Project, name: str, options: Mapping[str, Any]) -> Plan:
    fields = tuple(options["takes"]), tuple(options["returns"])
    return add_workflow(project, WorkflowRequest(name, *fields, tuple(options["calls"]), tuple(options.get("map", ()))))


def _route(project: Project, name: str, options: Mapping[str, Any]) -> Plan:
    method, _, path = name.partition(" ")
    if "query" in options:
        request = RouteRequest(method, path, options["query"], "--query", name=options.get("name"))
    else:  # `--rpc` takes a workflow, too.
        request = RouteRequest(method, path, option="--rpc", **options)
    return add_route(project, request)


def _query(project: Project, name: str, options: Mapping[str, Any]) -> Plan:
    given = _typed(options, *options.keys() & {"takes", "returns", "orders"})
    return add_query(project, QueryRequest(name, **{**options, **given}))


def _rpc(project: Project, name: str, options: Mapping[str, Any]) -> Plan:
    if "schema" in options:
        return add_rpc(project, RpcRequest(name, schema=options["schema"]))
    return add_rpc(project, RpcRequest(name, tuple(options["takes"]), tuple(options["returns"])))


def _entity(project: Project, name: str, options: Mapping[str, Any]) -> Plan:
    texts = _typed(options, "fields", "unique", "refs")
    given = EntityRequest(name, **texts, routes=options["routes"], plural=options["plural"])
    return add_entity(project, given)


def _field(project: Project, name: str, options: Mapping[str, Any]) -> Plan:
    given = {part: options[part] for part in ("field", "ref", "unique")}
    return add_field(project, FieldRequest(name.partition(" ")[0], **given))


_ADDS: Mapping[str, Callable[[Project, str, Mapping[str, Any]], Plan]] = {
    "workflow": _workflow,
    "db-function": lambda project, name, options: add_db_function(
        project, DbFunctionRequest(name, **_typed(options, "takes", "returns"), read_only=options["read_only"])
    ),
    "query": _query,
    "entity": _entity,
    "field": _field,
    "rpc": _rpc,
    "route": _route,
    "webhook": lambda project, name, options: add_webhook(
        project, WebhookRequest(name, **{**options, **_typed({"kinds": (), **options}, "takes", "kinds")})
    ),
    "schedule": lambda project, name, options: add_schedule(project, ScheduleRequest(name, **options, now=_NOW)),
    "idempotency-key": lambda project, name, options: add_idempotency_key(
        project, KeyRequest(name, **_typed(options, "fields"))
    ),
    "client": lambda project, name, options: add_client(project, ClientRequest(name, options["group"])),
    "group": lambda project, name, options: add_group(project, GroupRequest(name)),
    "deploy": lambda project, name, options: add_deploy(project, DeployRequest(name)),
}
