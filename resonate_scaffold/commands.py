"""The commands: parse, call, report. Typer takes a sixth of a second to import, so only ``cli`` imports
this.
"""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resonate_scaffold import __version__
from resonate_scaffold.errors import EngineFailed, UsageError

if TYPE_CHECKING:
    from resonate_scaffold.grow import Planner
    from resonate_scaffold.plan import Plan
    from resonate_scaffold.project import Project as Snapshot

app = typer.Typer(
    name="resonate-scaffold",
    help="Durable HTTP services on Resonate: generated in one command, running in a minute.",
    rich_markup_mode=None,  # plain help: rich costs more time than it adds
    pretty_exceptions_enable=False,
)


add = typer.Typer(help="Grow a service: the files, the wiring, the tests.", rich_markup_mode=None)
app.add_typer(add, name="add")
export = typer.Typer(help="Write what other teams need, in any language.", rich_markup_mode=None)
app.add_typer(export, name="export")


class Kind(StrEnum):
    """What `add` makes, `remove` takes back and `list` shows."""

    workflow = "workflow"
    db_function = "db-function"
    rpc = "rpc"
    route = "route"
    webhook = "webhook"
    schedule = "schedule"
    idempotency_key = "idempotency-key"
    group = "group"


class WebhookScheme(StrEnum):
    standard = "standard"
    github = "github"
    sarif = "sarif"
    stripe = "stripe"
    hmac = "hmac"


class CatchUp(StrEnum):
    latest = "latest"
    all = "all"
    none = "none"


class Overlap(StrEnum):
    skip = "skip"
    queue = "queue"
    allow = "allow"


class CheckFormat(StrEnum):
    text = "text"
    json = "json"
    github = "github"
    sarif = "sarif"


class GraphFormat(StrEnum):
    tree = "tree"
    mermaid = "mermaid"
    svg = "svg"
    json = "json"


class ExportFormat(StrEnum):
    json_schema = "json-schema"
    typescript = "typescript"


class Idempotency(StrEnum):
    required = "required"
    optional = "optional"
    none = "none"


Takes = Annotated[
    list[str] | None, typer.Option("--takes", help="A field of the request; again for more.", metavar="FIELD:TYPE")
]
Returns = Annotated[
    list[str] | None, typer.Option("--returns", help="A field of the result; again for more.", metavar="FIELD:TYPE")
]
Project = Annotated[Path, typer.Option("--project", help="The service, or a directory in it.", metavar="DIR")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the whole difference; change nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing.")]


class Database(StrEnum):
    sqlite = "sqlite"
    postgres = "postgres"


def _added(context: typer.Context, incomplete: str) -> list[str]:
    """For a shell: the next word of the names of what was added, of the kind that stands before them."""
    from resonate_scaffold.disk import discover
    from resonate_scaffold.errors import ScaffoldError

    kind, typed = str(context.params.get("kind")), list(context.params.get("name") or ())
    try:
        _, project = discover(Path(context.params.get("project") or ""))
        names = [added.name.split() for added in project.adds(kind)]
    except (ScaffoldError, OSError):
        return []  # nothing may be printed here
    following = {words[len(typed)] for words in names if words[: len(typed)] == typed and len(words) > len(typed)}
    return sorted(word for word in following if word.startswith(incomplete))


def _version(wanted: bool) -> None:
    """``--version`` among other options; alone it is answered by ``cli``, which does not load this."""
    if wanted:
        print(f"resonate-scaffold {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The service's name: lower-case letters, digits, - and _.")],
    into: Annotated[Path, typer.Option(help="The directory to make it in.", metavar="DIR")] = Path(),
    database: Annotated[Database | None, typer.Option(help="The database of its db group.")] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Leave the example out, keep the machinery.")] = False,
    template: Annotated[
        str | None, typer.Option(help="Another Copier template: a directory or a git URL.", metavar="SRC")
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option(help="Answer one of the template's questions.", metavar="KEY=VALUE")
    ] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing.")] = False,
    install: Annotated[bool, typer.Option(help="Install its dependencies into its own environment.")] = True,
    git: Annotated[bool, typer.Option(help="Make a repository with one commit.")] = True,
    run: Annotated[bool, typer.Option("--run", help="Go straight on into `dev`.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be made; change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a new service: rendered, committed, installed."""
    from resonate_scaffold.git import leave_outer_repository
    from resonate_scaffold.names import Name
    from resonate_scaffold.new import NewRequest, create
    from resonate_scaffold.report import Report, is_interactive

    if run and (not install or dry_run or as_json):
        raise UsageError(
            "--run needs an installed service and a terminal's output",
            "Leave out --run, or --no-install, --dry-run and --json.",
        )
    answers = _parse_data(data or [])
    for key, value in (("database", database and database.value), ("bare", bare or None)):
        if value is not None:
            _merge(answers, key, value)
    interactive = not defaults and not as_json and is_interactive()
    request = NewRequest(
        name=Name.parse(name),
        into=into,
        template=template,
        data=answers,
        interactive=interactive,
        install=install,
        git=git,
        dry_run=dry_run,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it cleans up and ends as Ctrl-C does
    leave_outer_repository(may_ask=interactive)
    report = Report(as_json=as_json)
    outcome = create(request, report)
    status = report.finish(outcome)
    if run and not status:
        from resonate_scaffold import dev

        status = dev.run(Path(str(outcome.project)))
    raise typer.Exit(status)


@app.command()
def dev(
    project: Annotated[Path, typer.Option(help="The service, or a directory in it.", metavar="DIR")] = Path(),
    engine: Annotated[
        str, typer.Option(help="auto (RESONATE_URL, or else embedded), embedded, server or a URL.")
    ] = "auto",
    port: Annotated[
        int | None, typer.Option(help="The API's port; PORT of the service otherwise.", min=0, max=65535)
    ] = None,
    reload: Annotated[bool, typer.Option(help="Restart what changed.")] = True,
    token: Annotated[
        bool, typer.Option("--token", help="The embedded engine asks for RESONATE_TOKEN; one is made if none is set.")
    ] = False,
) -> None:
    """Run a service on this machine: its processes, an engine, logs, reload."""
    from resonate_scaffold import dev as runner

    raise typer.Exit(runner.run(project, engine=engine, port=port, reload=reload, token=token))


@app.command()
def engine(
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)] = 8001,
    journal: Annotated[
        Path | None, typer.Option(help="Keep the jobs in this file; without it, in memory.", metavar="FILE")
    ] = None,
) -> None:
    """Run the development engine alone, on this machine only.

    With RESONATE_TOKEN in its environment it asks every client for that token.
    """
    import asyncio
    import os

    from resonate_scaffold.devserver import EngineError, serve

    def ready(url: str) -> None:
        print(f"engine listening on {url}", flush=True)

    try:
        asyncio.run(serve(port=port, journal=journal, ready=ready, token=os.environ.get("RESONATE_TOKEN")))
    except EngineError as error:
        raise EngineFailed(str(error), error.hint) from error


@add.command("workflow")
def add_workflow(
    name: Annotated[str, typer.Argument(help="Its durable name: lower-case letters, digits and -.")],
    takes: Takes = None,
    returns: Returns = None,
    calls: Annotated[
        list[str] | None, typer.Option(help="A durable function that it calls, in this order.", metavar="RPC")
    ] = None,
    route: Annotated[bool, typer.Option("--route", help="Add POST /NAME for it, too.")] = False,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A workflow: contract, function, registration, test."""
    from resonate_scaffold.generators.route import RouteRequest, add_route
    from resonate_scaffold.generators.workflow import WorkflowRequest, add_workflow
    from resonate_scaffold.grow import both

    request = WorkflowRequest(name, tuple(takes or ()), tuple(returns or ()), tuple(calls or ()))
    planner: Planner = lambda project: add_workflow(project, request)  # noqa: E731
    if route:
        durable = name.replace("_", "-")
        submit = RouteRequest("POST", f"/{durable}", durable)
        planner = both(planner, lambda project: add_route(project, submit))
    _change(planner, "add", project, dry_run=dry_run, as_json=as_json, yes=yes)


@add.command("db-function")
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
    planner: Planner = lambda project: add_db_function(project, request)  # noqa: E731
    _change(planner, "add", project, dry_run=dry_run, as_json=as_json, yes=yes)


@add.command("rpc")
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
    planner: Planner = lambda project: add_rpc(project, request)  # noqa: E731
    _change(planner, "add", project, dry_run=dry_run, as_json=as_json, yes=yes)


@add.command("route")
def add_route(
    method: Annotated[str, typer.Argument(help="POST, PUT, PATCH, DELETE, or GET to read.")],
    path: Annotated[str, typer.Argument(help="For example /customers/{customer_id}/orders.")],
    workflow: Annotated[str | None, typer.Option(help="The workflow that it starts.", metavar="NAME")] = None,
    rpc: Annotated[str | None, typer.Option(help="The durable function that it calls.", metavar="GROUP.NAME")] = None,
    idempotency: Annotated[Idempotency | None, typer.Option(help="Whether Idempotency-Key names the work.")] = None,
    key: Annotated[
        str | None, typer.Option(help="The convention in ids.py by which the request names the work.", metavar="NAME")
    ] = None,
    wait: Annotated[
        int | None, typer.Option(help="Wait for the result, at most so many seconds.", metavar="SECONDS")
    ] = None,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """A route: submit and poll, or with --wait a synchronous wrap."""
    from resonate_scaffold.generators.route import RouteRequest, add_route

    if (workflow is None) == (rpc is None):
        raise UsageError("A route starts one thing", "Give --workflow NAME or --rpc GROUP.NAME.")
    target, option = (workflow, "--workflow") if workflow is not None else (rpc or "", "--rpc")
    named_by = idempotency and idempotency.value
    request = RouteRequest(method, path, target, option, idempotency=named_by, key=key, wait=wait)
    planner: Planner = lambda project: add_route(project, request)  # noqa: E731
    _change(planner, "add", project, dry_run=dry_run, as_json=as_json, yes=yes)


@add.command("webhook")
def add_webhook(
    name: Annotated[str, typer.Argument(help="Its name, and its gate's.")],
    takes: Takes = None,
    workflow: Annotated[
        str | None, typer.Option(help="The workflow that waits, where there is only one.", metavar="NAME")
    ] = None,
    scheme: Annotated[WebhookScheme, typer.Option(help="How its sender signs.")] = WebhookScheme.standard,
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
    planner: Planner = lambda project: add_webhook(project, request)  # noqa: E731
    _change(planner, "add", project, dry_run=dry_run, as_json=as_json, yes=yes)


@add.command("schedule")
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
    planner: Planner = lambda project: add_schedule(project, request)  # noqa: E731
    _change(planner, "add", project, dry_run=dry_run, as_json=as_json, yes=yes)


@add.command("idempotency-key")
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
    planner: Planner = lambda project: add_idempotency_key(project, request)  # noqa: E731
    _change(planner, "add", project, dry_run=dry_run, as_json=as_json, yes=yes)


@add.command("group")
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
    planner: Planner = lambda project: add_group(project, request)  # noqa: E731
    _change(planner, "add", project, dry_run=dry_run, as_json=as_json, yes=yes)


@app.command()
def remove(
    kind: Annotated[Kind, typer.Argument(help="What it is.")],
    name: Annotated[list[str], typer.Argument(help="Its name; of a route METHOD PATH.", autocompletion=_added)],
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing; delete its files also where they were changed since.")
    ] = False,
) -> None:
    """Take an add back: its wiring, and its files unless they were changed since."""
    from resonate_scaffold.generators.remove import find_added, remove as plan_removal

    def make(snapshot: Snapshot) -> Plan:
        record = find_added(snapshot, kind.value, " ".join(name))
        return plan_removal(snapshot, record, delete_changed=yes)

    _change(make, "remove", project, dry_run=dry_run, as_json=as_json, yes=yes)


@app.command("list")
def list_(
    kind: Annotated[Kind | None, typer.Argument(help="Only these.")] = None,
    project: Project = Path(),
    as_json: AsJson = False,
) -> None:
    """What the service has, read from its code: what is served where, and called from where."""
    from resonate_scaffold.grow import show
    from resonate_scaffold.report import Report

    report = Report(as_json=as_json)
    raise typer.Exit(report.finish(show(project, kind and kind.value, report)))


@app.command()
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or directories; this one otherwise.")] = None,
    select: Annotated[
        list[str] | None, typer.Option(help="Only these rules: codes, how they begin, names, ALL.", metavar="RULES")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Not these rules.", metavar="RULES")] = None,
    output: Annotated[CheckFormat, typer.Option("--format", help="How to say it.")] = CheckFormat.text,
    checklist: Annotated[
        bool, typer.Option("--checklist", help="For every route that starts work: what makes it safe, and where.")
    ] = False,
    explain: Annotated[str | None, typer.Option(help="Print the page of a rule.", metavar="RULE")] = None,
    statistics: Annotated[bool, typer.Option("--statistics", help="Only how many of each rule there are.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Change what can be changed with certainty.")] = False,
    add_noqa: Annotated[
        bool, typer.Option("--add-noqa", help="Suppress all that is found, by a comment on its line.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --fix or --add-noqa: show what would change; write nothing.")
    ] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read the code, also if it has not changed.")] = False,
) -> None:
    """Find mistakes in code that uses Resonate, by reading it: wiring, determinism, durability, HTTP, stale API."""
    from resonate_scaffold.check import run, sarif
    from resonate_scaffold.report import Report

    report = Report(
        as_json=output is CheckFormat.json,
        for_github=output is CheckFormat.github,
        write=sarif.written if output is CheckFormat.sarif else None,
    )
    if explain is not None:
        report.text(run.explain(explain))
        raise typer.Exit
    request = run.CheckRequest(
        tuple(paths or [Path()]),
        tuple(select or ()),
        tuple(ignore or ()),
        checklist=checklist,
        statistics=statistics,
        fix=fix,
        add_noqa=add_noqa,
        dry_run=dry_run,
        cached=not no_cache,
    )
    raise typer.Exit(report.finish(run.run(request, report)))


@app.command()
def graph(
    path: Annotated[Path, typer.Argument(help="The service, or a directory in it.")] = Path(),
    output: Annotated[GraphFormat, typer.Option("--format", help="What to draw.")] = GraphFormat.tree,
    file: Annotated[
        Path | None, typer.Option("--output", help="Write it there instead of printing it.", metavar="FILE")
    ] = None,
    origins: Annotated[
        list[str] | None,
        typer.Option("--from", help="Only what this leads to: a route (POST /jobs), a workflow, …", metavar="NAME"),
    ] = None,
    by_group: Annotated[bool, typer.Option("--by-group", help="One node for each group.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read the code, also if it has not changed.")] = False,
) -> None:
    """Draw a service from its code: routes, workflows, steps, db functions, gates, schedules, and who calls whom."""
    from resonate_scaffold.graph.run import GraphRequest, draw
    from resonate_scaffold.report import Report

    report = Report(as_json=False)
    request = GraphRequest(path, output.value, file, tuple(origins or ()), by_group, cached=not no_cache)
    raise typer.Exit(report.finish(draw(request, report)))


@export.command("contracts")
def export_contracts(
    output: Annotated[ExportFormat, typer.Option("--format", help="What to write.")] = ExportFormat.json_schema,
    out: Annotated[Path, typer.Option("--out", help="The directory for it.", metavar="DIR")] = Path("exported"),
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Every durable function: names, where it is served, the types of request, result and failures.

    It asks the service itself, which must be installed: python -m PACKAGE contracts --json.
    """
    from resonate_scaffold.export.run import ExportRequest, write
    from resonate_scaffold.report import Report

    report = Report(as_json=as_json)
    request = ExportRequest(project, output.value, out, dry_run)
    raise typer.Exit(report.finish(write(request, report)))


def _change(planner: Planner, command: str, project: Path, *, dry_run: bool, as_json: bool, yes: bool) -> None:
    """Change the service around *project*, and end with the exit status."""
    from resonate_scaffold.grow import ChangeRequest, change
    from resonate_scaffold.report import Report, is_interactive

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it cleans up and ends as Ctrl-C does
    request = ChangeRequest(command, project, dry_run, interactive=not yes and not as_json and is_interactive())
    report = Report(as_json=as_json)
    raise typer.Exit(report.finish(change(request, planner, report)))


def _read_text(path: Path) -> str:
    """A file that the user named."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8", "Name a file of JSON.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "Name a file that is there.") from None


def _parse_data(pairs: list[str]) -> dict[str, str | bool]:
    answers: dict[str, str | bool] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--data {pair} is not KEY=VALUE", "For example: --data author=Ada")
        _merge(answers, key, value)
    return answers


def _merge(answers: dict[str, str | bool], key: str, value: str | bool) -> None:
    """Add an answer; the same one may be given twice, two different ones may not."""
    if str(answers.setdefault(key, value)).lower() != str(value).lower():
        raise UsageError(f"{key} is given twice: {answers[key]} and {value}", "Give it once.")
