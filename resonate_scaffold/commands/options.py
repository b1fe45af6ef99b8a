"""What several commands share: their options, and how a change is made and reported."""

from __future__ import annotations

import signal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from resonate_scaffold.grow import Planner


Project = Annotated[Path, typer.Option("--project", help="The service, or a directory in it.", metavar="DIR")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the whole difference; change nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing.")]


class Kind(StrEnum):
    """What `add` makes, `remove` takes back and `list` shows."""

    workflow = "workflow"
    db_function = "db-function"
    query = "query"
    rpc = "rpc"
    route = "route"
    webhook = "webhook"
    schedule = "schedule"
    idempotency_key = "idempotency-key"
    group = "group"


def change_project(planner: Planner, command: str, project: Path, *, dry_run: bool, as_json: bool, yes: bool) -> None:
    """Change the service around *project*, and end with the exit status."""
    from resonate_scaffold.grow import ChangeRequest, change as apply_change
    from resonate_scaffold.report import Report, is_interactive

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it cleans up and ends as Ctrl-C does
    request = ChangeRequest(command, project, dry_run, interactive=not yes and not as_json and is_interactive())
    report = Report(as_json=as_json)
    raise typer.Exit(report.finish(apply_change(request, planner, report)))
