"""``add``: a command for each thing that a service can be given."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resonate_scaffold.commands.options import FIELDS, AsJson, DryRun, Project, Yes, asker, change_project
from resonate_scaffold.errors import UsageError

if TYPE_CHECKING:
    from resonate_scaffold.grow import Planner

app = typer.Typer(help="Grow a service: the files, the wiring, the tests.", rich_markup_mode=None)


Takes = Annotated[
    list[str] | None, typer.Option("--takes", help="A field of the request; again for more.", metavar="FIELD:TYPE…")
]
Returns = Annotated[
    list[str] | None, typer.Option("--returns", help="A field of the result; again for more.", metavar="FIELD:TYPE…")
]


class WebhookScheme(StrEnum):
    standard = "standard"
    github = "github"
    stripe = "stripe"
    hmac = "hmac"
    former = "former"


class CatchUp(StrEnum):
    latest = "latest"
    all = "all"
    none = "none"


class Overlap(StrEnum):
    skip = "skip"
    queue = "queue"
    allow = "allow"


class EntityRoutes(StrEnum):
    crud = "crud"
    read = "read"
    none = "none"


class Platform(StrEnum):
    kubernetes = "kubernetes"
    systemd = "systemd"


class Idempotency(StrEnum):
    required = "required"
    optional = "optional"
    none = "none"


@app.command("workflow", epilog=FIELDS)
def add_workflow(
    name: Annotated[str, typer.Argument(help="Its durable name: lower-case letters, digits and -.")],
    takes: Takes = None,
    returns: Returns = None,
    calls: Annotated[
        list[str] | None, typer.Option(help="A durable function that it calls, in this order.", metavar="RPC")
    ] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="Where an argument comes from: charge.amount=price_of.price, result.total=request.total.",
            metavar="CALL.FIELD=CALL.FIELD",
        ),
    ] = None,
    route: Annotated[bool, typer.Option("--route", help="Add POST /NAME for it, too.")] = False,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A workflow: contract, function, registration, test."""
    from resonate_scaffold.generators.workflow import WorkflowRequest, add_workflow

    choose = asker(yes=yes, as_json=as_json)
    fields = tuple(takes or ()), tuple(returns or ())
    request = WorkflowRequest(name, *fields, tuple(calls or ()), tuple(maps or ()), choose)
    planner: Planner = lambda project: add_workflow(project, request)  # noqa: E731
    if route:
        from resonate_scaffold.generators.route import RouteRequest, add_route
        from resonate_scaffold.grow import both

        durable = name.replace("_", "-")
        submit = RouteRequest("POST", f"/{durable}", durable)
        planner = both(planner, lambda project: add_route(project, submit))
    change_project(planner, "add", project, dry_run=dry_run, as_json=as_json)


@app.command("db-function", epilog=FIELDS)
def add_db_function(
    name: Annotated[str, typer.Argument(help="Its name, without the group: reserve-stock is db.reserve_stock.")],
    takes: Takes = None,
    returns: Returns = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="It writes nothing.")] = False,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A durable database function: a write happens once, however often it runs."""
    from resonate_scaffold.generators.db_function import DbFunctionRequest, add_db_function

    request = DbFunctionRequest(name, tuple(takes or ()), tuple(returns or ()), read_only)
    change_project(lambda it: add_db_function(it, request), "add", project, dry_run=dry_run, as_json=as_json)


@app.command("query")
def add_query(
    name: Annotated[str, typer.Argument(help="Its name: account-by-id.")],
    takes: Annotated[
        list[str] | None,
        typer.Option("--takes", help="What it takes; of a table a column. Again for more.", metavar="FIELD[:TYPE]"),
    ] = None,
    returns: Annotated[
        list[str] | None,
        typer.Option("--returns", help="What it reads; of a table all columns otherwise.", metavar="FIELD[:TYPE]"),
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="The class of db/models.py whose rows it reads.", metavar="CLASS")
    ] = None,
    is_list: Annotated[bool, typer.Option("--list", help="A page of rows, not one.")] = False,
    orders: Annotated[
        list[str] | None,
        typer.Option("--order", help="A column that clients may order a list by; the first is usual.", metavar="FIELD"),
    ] = None,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A read of the database that starts no work, for a GET route: one row, or a list in pages."""
    from resonate_scaffold.generators.query import QueryRequest, add_query

    request = QueryRequest(name, tuple(takes or ()), tuple(returns or ()), table, is_list, tuple(orders or ()))
    change_project(lambda it: add_query(it, request), "add", project, dry_run=dry_run, as_json=as_json)


@app.command("rpc", epilog=FIELDS)
def add_rpc(
    target: Annotated[str, typer.Argument(metavar="GROUP.NAME", help="The group that serves it, and its name there.")],
    takes: Takes = None,
    returns: Returns = None,
    from_schema: Annotated[
        Path | None,
        typer.Option(
            "--from-schema", help="Another team's JSON Schema of it, for --takes and --returns.", metavar="FILE"
        ),
    ] = None,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A stub for what another team serves, with a stand-in; or a function of a further group of this service."""
    from resonate_scaffold.generators.rpc import RpcRequest, add_rpc

    request = RpcRequest(target, tuple(takes or ()), tuple(returns or ()))
    if from_schema is not None:
        if takes or returns:
            raise UsageError("--from-schema says what it takes and returns", "Leave --takes and --returns out.")
        request = RpcRequest(target, schema=_read_text(from_schema), schema_file=str(from_schema))
    change_project(lambda it: add_rpc(it, request), "add", project, dry_run=dry_run, as_json=as_json)


@app.command("route")
def add_route(
    method: Annotated[str, typer.Argument(help="POST, PUT, PATCH, DELETE, or GET to read.")],
    path: Annotated[str, typer.Argument(help="For example /customers/{customer_id}/orders.")],
    workflow: Annotated[str | None, typer.Option(help="The workflow that it starts.", metavar="NAME")] = None,
    rpc: Annotated[str | None, typer.Option(help="The durable function that it calls.", metavar="GROUP.NAME")] = None,
    query: Annotated[str | None, typer.Option(help="The query by which a GET reads.", metavar="NAME")] = None,
    idempotency: Annotated[Idempotency | None, typer.Option(help="Whether Idempotency-Key names the work.")] = None,
    key: Annotated[
        str | None, typer.Option(help="The convention in ids.py by which the request names the work.", metavar="NAME")
    ] = None,
    wait: Annotated[
        int | None, typer.Option(help="Wait for the result, at most so many seconds.", metavar="SECONDS")
    ] = None,
    poll: Annotated[
        str | None,
        typer.Option(help="Where its work is polled; below /jobs/, by its name, otherwise.", metavar="PATH/{id}"),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="What its module, functions and models are called; made of the path otherwise."),
    ] = None,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A route: submit and poll, with --wait a synchronous wrap, with --query a read that starts no work."""
    from resonate_scaffold.generators.route import RouteRequest, add_route

    towards = [(it, option) for it, option in ((workflow, "--workflow"), (rpc, "--rpc"), (query, "--query")) if it]
    if len(towards) != 1:
        raise UsageError("A route does one thing", "Give --workflow NAME, --rpc GROUP.NAME or --query NAME.")
    ((target, option),) = towards
    named_by = idempotency and idempotency.value
    request = RouteRequest(method, path, target, option, idempotency=named_by, key=key, wait=wait, poll=poll, name=name)
    change_project(lambda it: add_route(it, request), "add", project, dry_run=dry_run, as_json=as_json)


@app.command("webhook", epilog=FIELDS)
def add_webhook(
    name: Annotated[str, typer.Argument(help="Its name, and its gate's.")],
    takes: Takes = None,
    workflow: Annotated[
        str | None, typer.Option(help="The workflow that waits, where there is only one.", metavar="NAME")
    ] = None,
    scheme: Annotated[
        WebhookScheme, typer.Option(help="How its sender signs; former: as those of version 0.1.0.")
    ] = WebhookScheme.standard,
    id_from: Annotated[
        str | None,
        typer.Option(help="Where a body that others define names the work; job_id otherwise.", metavar="PATH"),
    ] = None,
    starts: Annotated[
        str | None, typer.Option(help="The workflow that each message starts, instead of a gate.", metavar="NAME")
    ] = None,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A signed route, whose messages answer a gate with a typed payload, or with --starts start a workflow."""
    from resonate_scaffold.generators.webhook import WebhookRequest, add_webhook

    request = WebhookRequest(name, tuple(takes or ()), workflow, scheme.value, id_from, starts)
    change_project(lambda it: add_webhook(it, request), "add", project, dry_run=dry_run, as_json=as_json)


@app.command("schedule")
def add_schedule(
    name: Annotated[str, typer.Argument(help="Its name.")],
    workflow: Annotated[str, typer.Option(help="The workflow that it starts.", metavar="NAME")],
    cron: Annotated[str, typer.Option(help="When, in UTC: minute hour day month weekday.", metavar="EXPR")],
    catch_up: Annotated[
        CatchUp, typer.Option(help="What runs of the times that were missed in an outage.")
    ] = CatchUp.latest,
    overlap: Annotated[
        Overlap, typer.Option(help="What a time does while the run before has not ended.")
    ] = Overlap.skip,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A workflow that starts by the clock."""
    from resonate_scaffold.generators.schedule import ScheduleRequest, add_schedule

    request = ScheduleRequest(name, workflow, cron, datetime.now(UTC), catch_up.value, overlap.value)
    change_project(lambda it: add_schedule(it, request), "add", project, dry_run=dry_run, as_json=as_json)


@app.command("idempotency-key")
def add_idempotency_key(
    name: Annotated[str, typer.Argument(help="What the key names: invoice.")],
    fields: Annotated[
        list[str],
        typer.Option(
            "--from", help="A field that it is made of; again for more. `caller`: who asks.", metavar="FIELD[:TYPE]"
        ),
    ],
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A convention by which business fields name the work, in ids.py."""
    from resonate_scaffold.generators.idempotency_key import KeyRequest, add_idempotency_key

    request = KeyRequest(name, tuple(fields))
    change_project(lambda it: add_idempotency_key(it, request), "add", project, dry_run=dry_run, as_json=as_json)


@app.command("group")
def add_group(
    name: Annotated[str, typer.Argument(help="The group's name.")],
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """Another worker group, with a process of its own."""
    from resonate_scaffold.generators.group import GroupRequest, add_group

    request = GroupRequest(name)
    change_project(lambda it: add_group(it, request), "add", project, dry_run=dry_run, as_json=as_json)


@app.command("client")
def add_client(
    name: Annotated[str, typer.Argument(help="What the API is called here: payments.")],
    group: Annotated[str, typer.Option(help="The group whose steps call it.", metavar="NAME")] = "workers",
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A client of an HTTP API of somebody else: settings, typed errors, retries, a fake for `dev` and tests."""
    from resonate_scaffold.generators.client import ClientRequest, add_client

    request = ClientRequest(name, group)
    change_project(lambda it: add_client(it, request), "add", project, dry_run=dry_run, as_json=as_json)


@app.command("entity")
def add_entity(
    name: Annotated[str, typer.Argument(help="Its name, of one: patient.")],
    field: Annotated[
        list[str] | None, typer.Option("--field", help="A field; again for more.", metavar="FIELD:TYPE")
    ] = None,
    unique: Annotated[
        list[str] | None,
        typer.Option(
            help="A field that no two share; with commas, fields that they share not all of.", metavar="FIELD"
        ),
    ] = None,
    ref: Annotated[
        list[str] | None,
        typer.Option(help="An entity that it refers to, by a field ENTITY_id or ROLE_id.", metavar="[ROLE:]ENTITY[?]"),
    ] = None,
    routes: Annotated[EntityRoutes, typer.Option(help="All routes, those that read, or none.")] = EntityRoutes.crud,
    plural: Annotated[
        str | None, typer.Option(help="What several are called: the table and the path.", metavar="NAME")
    ] = None,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A table with its migration, durable functions that write it, queries, routes, and tests."""
    from resonate_scaffold.generators.entities import EntityRequest
    from resonate_scaffold.generators.entity import add_entity

    texts = (tuple(field or ()), tuple(unique or ()), tuple(ref or ()))
    request = EntityRequest(name, *texts, routes=routes.value, plural=plural)
    planner: Planner = lambda project: add_entity(project, request)  # noqa: E731
    change_project(planner, "add", project, dry_run=dry_run, as_json=as_json)


@app.command("field")
def add_field(
    entity: Annotated[str, typer.Argument(help="The entity that gets it.")],
    field: Annotated[str | None, typer.Argument(help="The field, as in add entity.", metavar="FIELD:TYPE")] = None,
    ref: Annotated[
        str | None, typer.Option(help="Instead: an entity that it refers to.", metavar="[ROLE:]ENTITY?")
    ] = None,
    unique: Annotated[bool, typer.Option("--unique", help="No two share it.")] = False,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """Another field of an entity, with its migration: rows that are there get its default."""
    from resonate_scaffold.generators.field import FieldRequest, add_field

    request = FieldRequest(entity, field, ref, unique)
    planner: Planner = lambda project: add_field(project, request)  # noqa: E731
    change_project(planner, "add", project, dry_run=dry_run, as_json=as_json)


@app.command("deploy")
def add_deploy(
    platform: Annotated[Platform, typer.Argument(help="What runs it.")],
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """Manifests for Kubernetes (kustomize), or units for systemd; groups and clients that are added later join them."""
    from resonate_scaffold.generators.deploy import DeployRequest, add_deploy

    request = DeployRequest(platform.value)
    change_project(lambda it: add_deploy(it, request), "add", project, dry_run=dry_run, as_json=as_json)


def _read_text(path: Path) -> str:
    """A file that the user named."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8", "Name a file of JSON.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "Name a file that is there.") from None
