"""What several commands share: their options, and how a change is made and reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resonate_scaffold import systems

if TYPE_CHECKING:
    from resonate_scaffold.grow import Planner


Project = Annotated[Path, typer.Option("--project", help="The service, or a directory in it.", metavar="DIR")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the whole difference; change nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing.")]
"""Every `add` takes it, so that a script may give it to each; only those that may ask read it."""


FIELDS = """\b
Fields: FIELD:TYPE[:BOUNDS][=DEFAULT]
  name:str:1..80   quantity:int:gt0   limit:int:1..100=20   born:date   phone:str?   tags:list[str]:..10
  str int float bool date time datetime timedelta Decimal UUID
  list[T]  set[T]  dict[str, T]  Literal[a,b]  T? (or T | None)  an enum, a model or another type of the contracts
Bounds are A..B, A.., ..B, gtN, ltN, of a number or a length. In zsh, and with blanks, put the whole in quotes.
A field is called in JSON as it is typed here: customerId is customer_id in Python. docs/fields.md has all of it.
"""
"""How fields are typed, for the end of a command's help."""


def asker(*, yes: bool, as_json: bool) -> Callable[[str, Sequence[str]], str | None] | None:
    """What asks which of several was meant; None where there is nobody to ask."""
    from resonate_scaffold.report import ask, is_interactive

    if yes or as_json or not is_interactive():
        return None

    def choose(question: str, choices: Sequence[str]) -> str | None:
        answer = ask(question, default=choices[0], choices=[*choices, "neither"])
        return None if answer == "neither" else answer

    return choose


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
    client = "client"
    entity = "entity"
    field = "field"
    deploy = "deploy"


def change_project(planner: Planner, command: str, project: Path, *, dry_run: bool, as_json: bool) -> None:
    """Change the service around *project*, and end with the exit status."""
    from resonate_scaffold.generators.deploy import follow
    from resonate_scaffold.grow import ChangeRequest, change as apply_change
    from resonate_scaffold.report import Report

    systems.interrupt_on_sigterm()
    report = Report(as_json=as_json)
    request = ChangeRequest(command, project, dry_run)
    raise typer.Exit(report.finish(apply_change(request, lambda it: follow(it, planner(it)), report)))
