"""What changes a service beside ``add``: ``remove``, ``rename``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resonate_scaffold import systems
from resonate_scaffold.commands.options import AsJson, DryRun, Kind, Project, change_project

if TYPE_CHECKING:
    from resonate_scaffold.grow import Planner
    from resonate_scaffold.plan import Plan
    from resonate_scaffold.project import Project as Snapshot


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


Removable = StrEnum("Removable", {**{kind.name: kind.value for kind in Kind}, "example": "example"})  # type: ignore[misc]


def remove(
    kind: Annotated[Removable, typer.Argument(help="What it is; `example` is the sample business of `new`.")],
    name: Annotated[
        list[str] | None, typer.Argument(help="Its name; of a route METHOD PATH.", autocompletion=_added)
    ] = None,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; remove it also where it was changed since.")] = False,
) -> None:
    """Take an add back, as a whole. What somebody has written into it since is asked about."""
    from resonate_scaffold.errors import ChangedSince, Unwanted, UsageError
    from resonate_scaffold.generators.example import remove_example
    from resonate_scaffold.generators.remove import find_added, remove as plan_removal
    from resonate_scaffold.report import confirm, is_interactive

    if (kind.value == "example") is bool(name):
        needs = f"{kind.value} has no name" if name else f"{kind.value} needs a name"
        raise UsageError(needs, "See resonate-scaffold remove --help")

    def plan(snapshot: Snapshot, *, delete_changed: bool) -> Plan:
        if kind.value == "example":
            return remove_example(snapshot, delete_changed=delete_changed)
        return plan_removal(
            snapshot, find_added(snapshot, kind.value, " ".join(name or ())), delete_changed=delete_changed
        )

    def make(snapshot: Snapshot) -> Plan:
        try:
            return plan(snapshot, delete_changed=yes)
        except ChangedSince as changed:
            if dry_run or as_json or not is_interactive():
                raise
            if not confirm(f"{changed.message}. Delete it with that?", default=False):
                raise Unwanted("Nothing was changed", "--dry-run shows what would be.") from None
        return plan(snapshot, delete_changed=True)

    change_project(make, "remove", project, dry_run=dry_run, as_json=as_json)


rename = typer.Typer(help="Give something another name: in code, tests, contracts, records.", rich_markup_mode=None)
Durable = Annotated[
    bool, typer.Option("--durable", help="Also what runs, ids and messages go by; none may be under way.")
]


@rename.command("workflow")
def rename_workflow(
    old: Annotated[str, typer.Argument(help="Its name.")],
    new: Annotated[str, typer.Argument(help="Another one: lower-case letters, digits and -.")],
    durable: Durable = False,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Rename a workflow: modules, functions, models, tests. Its durable name stays, unless --durable."""
    from resonate_scaffold.generators.rename import rename_workflow as plan

    _rename(lambda snapshot: plan(snapshot, old, new, durable=durable), project, dry_run=dry_run, as_json=as_json)


@rename.command("field")
def rename_field(
    old: Annotated[str, typer.Argument(help="MODEL.FIELD: PlaceOrder.sku, or place-order.sku.")],
    new: Annotated[str, typer.Argument(help="Another name for the field.")],
    wire: Annotated[bool, typer.Option("--wire", help="Also in JSON, where it stays otherwise.")] = False,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Rename a field of a model of the contracts, wherever it is read and given. Its name in JSON stays."""
    from resonate_scaffold.generators.rename import rename_field as plan

    _rename(lambda snapshot: plan(snapshot, old, new, wire=wire), project, dry_run=dry_run, as_json=as_json)


@rename.command("route")
def rename_route(
    method: Annotated[str, typer.Argument(help="POST, PUT, PATCH, DELETE or GET.")],
    old: Annotated[str, typer.Argument(help="Its path.")],
    new: Annotated[str, typer.Argument(help="Another path, with the same parameters.")],
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give a route another path: where its work is polled, its module and its tests go along."""
    from resonate_scaffold.generators.rename import rename_route as plan

    _rename(lambda snapshot: plan(snapshot, method, old, new), project, dry_run=dry_run, as_json=as_json)


@rename.command("group")
def rename_group(
    old: Annotated[str, typer.Argument(help="Its name.")],
    new: Annotated[str, typer.Argument(help="Another one: lower-case letters, digits and -.")],
    durable: Durable = False,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Rename a group: contracts, worker or stand-ins, Procfile, compose. Its functions' durable names stay."""
    from resonate_scaffold.generators.rename import rename_group as plan

    _rename(lambda snapshot: plan(snapshot, old, new, durable=durable), project, dry_run=dry_run, as_json=as_json)


def _rename(planner: Planner, project: Path, *, dry_run: bool, as_json: bool) -> None:
    change_project(planner, "rename", project, dry_run=dry_run, as_json=as_json)


def upgrade(
    to: Annotated[
        str | None, typer.Option("--to", help="The version; the newest without it.", metavar="VERSION")
    ] = None,
    go_on: Annotated[bool, typer.Option("--continue", help="End an upgrade whose conflicts are resolved.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Take back an upgrade that is under way.")] = False,
    branch: Annotated[
        str | None,
        typer.Option(help="Commit it on a new branch of this name; the working tree stays as it is.", metavar="NAME"),
    ] = None,
    past: Annotated[
        Path | None,
        typer.Option(
            help="The wheel, or a checkout, of the version that made the service, where this one does not carry it.",
            metavar="PATH",
            exists=True,
        ),
    ] = None,
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring a service to this version of the tool; what was edited by hand is merged, not lost."""

    from resonate_scaffold.errors import UsageError
    from resonate_scaffold.report import Report
    from resonate_scaffold.upgrade import run

    others = dry_run or to is not None or branch is not None or past is not None
    if (go_on and abort) or ((go_on or abort) and others):
        raise UsageError("--continue and --abort stand alone", "See resonate-scaffold upgrade --help")
    systems.interrupt_on_sigterm()
    report = Report(as_json=as_json)
    if go_on or abort:
        outcome = (run.go_on if go_on else run.abort)(project, report)
    else:
        outcome = run.upgrade(run.UpgradeRequest(project, to, past, branch, dry_run), report)
    raise typer.Exit(report.finish(outcome))
