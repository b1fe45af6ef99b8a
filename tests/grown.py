"""A service in memory, and the tool's command lines on it: planners are pure, so neither needs a disk."""

from __future__ import annotations

import contextlib
import functools
import io
import shlex
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from unittest import mock

from resonate_scaffold import __version__, cli, grow, templates
from resonate_scaffold.generators.project import ENV, new_project
from resonate_scaffold.grow import Make, Wish
from resonate_scaffold.plan import Create, Plan
from resonate_scaffold.project import MANIFEST, Manifest, Project, after
from resonate_scaffold.report import Outcome, Report

NAME = "orders"

# What `new` makes and no `add` touches: `test_generated` runs these.
UNGROWN = ["engine", "gate", "health", "hostile", "http", "observed", "operations", "processes", "recording", "rpc"]
WITHOUT_UNGROWN = [f"--ignore=tests/test_{name}.py" for name in UNGROWN]


@functools.cache
def fresh(*, bare: bool) -> Project:
    """The service as `new` makes it: with the example, or without."""
    rendering = templates.render_builtin(templates.complete_answers({"project_name": NAME, "bare": bare}))
    plan = new_project(rendering, version=__version__, secret="")
    files = {item.path: item.content for item in plan.changes if isinstance(item, Create) and item.path != ENV}
    return Project(NAME, Manifest.from_bytes(files[MANIFEST]), files)


def planned(project: Project, command: str) -> Plan:
    """The plan of a command line, by the real command: ``add workflow place-order``.

    Raises:
        ScaffoldError: it was refused.
    """
    plans: list[Plan] = []

    def change(wish: Wish, make: Make, report: Report) -> Outcome:
        plans.append(make(project))
        return Outcome(wish.command, "")

    handler = signal.getsignal(signal.SIGTERM)
    try:
        with mock.patch.object(grow, "change", change), contextlib.redirect_stdout(io.StringIO()):
            cli._program().main(shlex.split(command), standalone_mode=False)
    finally:
        signal.signal(signal.SIGTERM, handler)
    (plan,) = plans
    return plan


def grown(project: Project, *commands: str) -> Project:
    """The service after these command lines."""
    for command in commands:
        project = after(project, planned(project, command))
    return project


def rewritten(project: Project, files: Mapping[str, bytes]) -> Project:
    """The service after somebody has saved files in an editor."""
    return replace(project, files={**project.files, **{PurePosixPath(path): text for path, text in files.items()}})
