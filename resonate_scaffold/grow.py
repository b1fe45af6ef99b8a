"""`add`, `remove` and `list`: one flow for every command that looks at a service or changes it.

disk.discover -> Project -> generator -> Plan -> preview -> disk.apply -> report
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from resonate_scaffold import disk
from resonate_scaffold.errors import BrokenSource
from resonate_scaffold.plan import Plan, unified_diff
from resonate_scaffold.project import Project, after
from resonate_scaffold.report import Outcome, Report
from resonate_scaffold.service.listing import KINDS, inventory, table
from resonate_scaffold.service.service import Service

Planner = Callable[[Project], Plan]

_UNSETTLED = (
    "A command is changing this service, or was killed while it did (.resonate-scaffold.apply): this may be half of "
    "it. The next add or remove settles it, if it is yours"
)


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """How a command is to go about it."""

    command: str
    project: Path
    dry_run: bool


def change(request: ChangeRequest, planner: Planner, report: Report) -> Outcome:
    """Plan a change of the service around ``request.project``, show it, and do it.

    Raises:
        ScaffoldError: nothing was changed.
    """
    root, project = disk.discover(request.project, settle=not request.dry_run)
    unsettled = request.dry_run and disk.is_unsettled(root)
    with _reading_code():
        plan = planner(project)
    diff = list(unified_diff(plan)) if request.dry_run else None
    if diff is not None:
        report.files(plan)
        report.diff(diff)
    elif plan.changes:
        disk.apply(root, plan, project)
        report.files(plan)
    for line in plan.notes:
        report.note(line)
    if unsettled:
        report.note(_UNSETTLED)
    if request.dry_run:
        report.note("Dry run: nothing was changed")
    return Outcome(
        request.command,
        str(root),
        changes=tuple((str(item.path), item.action) for item in plan.changes),
        notes=plan.notes + ((_UNSETTLED,) if unsettled else ()),
        diff=None if diff is None else "\n".join(diff),
    )


def show(start: Path, kind: str | None, report: Report) -> Outcome:
    """Show what the service around *start* has, of one kind or of all."""
    root, project = disk.discover(start)
    with _reading_code():
        found = inventory(Service(project), KINDS if kind is None else [kind])
    report.table(table(found))
    if not any(found.values()):
        report.note(f"There is no {kind or 'part that can be listed'} in this service")
    notes = (_UNSETTLED,) if disk.is_unsettled(root) else ()
    for note in notes:
        report.note(note)
    return Outcome("list", str(root), notes=notes, inventory=found)


def both(first: Planner, second: Planner) -> Planner:
    """One plan of two, the second made for the service as the first leaves it."""

    def make(project: Project) -> Plan:
        one = first(project)
        return one.then(second(after(project, one)))

    return make


@contextlib.contextmanager
def _reading_code() -> Iterator[None]:
    """Refuse code that Python parses and nobody can walk through, such as a sum of thousands.

    Nothing of it is collected, then or later: syntax trees are many objects, which live about as long as the process.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    except RecursionError as error:
        raise BrokenSource(
            "The service has code that is nested too deeply to be read", "Write its longest expression in parts."
        ) from error
    finally:
        if collects:
            gc.freeze()
            gc.enable()
