"""What changes a service beside ``add``: ``remove``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resonate_scaffold.commands.options import AsJson, DryRun, Kind, Project, change_project

if TYPE_CHECKING:
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

    change_project(make, "remove", project, dry_run=dry_run, as_json=as_json, yes=yes)
