"""A service in memory, and the tool's command lines on it: generators are pure, so neither needs a disk.

A project here has the files that the tool would read of one on a disk.
"""

from __future__ import annotations

import contextlib
import functools
import io
import shlex
import signal
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from unittest import mock

from resonate_scaffold import __version__, cli, grow, templates
from resonate_scaffold.disk.files import HISTORIES, ROOT_FILES
from resonate_scaffold.generators.project import ENV, new_project
from resonate_scaffold.grow import ChangeRequest, Planner
from resonate_scaffold.plan import Create, Plan
from resonate_scaffold.project import MANIFEST, ChangedFiles, FilesInMemory, Manifest, Project, after
from resonate_scaffold.report import Outcome, Report

NAME = "orders"


@functools.cache
def made_by_new(*, bare: bool) -> Mapping[PurePosixPath, bytes]:
    """Every file of the service as `new` makes it, with the example or without; but for `.env`, which has a secret."""
    rendering = templates.render_builtin(templates.complete_answers({"project_name": NAME, "bare": bare}))
    plan = new_project(rendering, version=__version__, secret="")
    return {item.path: item.content for item in plan.changes if isinstance(item, Create) and item.path != ENV}


@functools.cache
def fresh(*, bare: bool) -> Project:
    """The service as `new` makes it, as `disk.discover` reads it."""
    files = {path: content for path, content in made_by_new(bare=bare).items() if is_read(path)}
    return Project(NAME, Manifest.from_bytes(files[MANIFEST]), FilesInMemory(files))


def is_read(path: PurePosixPath) -> bool:
    """Whether the tool reads a file of the service: Python, and a few others."""
    ours = path.suffix == ".py" and path.parts[0] in (NAME, "tests")
    return ours or path.parent == HISTORIES or str(path) in ROOT_FILES


def runtime() -> Mapping[PurePosixPath, bytes]:
    """The runtime of the service."""
    return {path: content for path, content in made_by_new(bare=True).items() if path.parts[1:2] == ("runtime",)}


def python_of(project: Project) -> dict[PurePosixPath, bytes]:
    """All Python of the service: what the tool reads of it, and the runtime."""
    files = {**runtime(), **project.files}
    return {path: content for path, content in files.items() if path.suffix == ".py"}


def planned(project: Project, command: str) -> Plan:
    """The plan of a command line, by the real command: ``add workflow place-order``.

    Raises:
        ScaffoldError: it was refused.
    """
    plans: list[Plan] = []

    def change(request: ChangeRequest, planner: Planner, report: Report) -> Outcome:
        plans.append(planner(project))
        return Outcome(request.command, "")

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


def removing(line: str) -> str:
    """The command line that takes an `add` back, by that of the `add`."""
    kind, *words = shlex.split(line)[1:]
    if kind == "field":
        return shlex.join(["remove", kind, words[0], words[1].partition(":")[0]])
    return shlex.join(["remove", kind, *words[: 2 if kind == "route" else 1]])


def rewritten(project: Project, files: Mapping[str, bytes]) -> Project:
    """The service after somebody has saved files in an editor."""
    mine: dict[PurePosixPath, bytes | None] = {PurePosixPath(path): text for path, text in files.items()}
    return replace(project, files=ChangedFiles(project.files, mine))


def without(project: Project, *paths: str) -> Project:
    """The service after somebody has deleted files."""
    return replace(project, files=ChangedFiles(project.files, dict.fromkeys(map(PurePosixPath, paths))))


def restore(content: bytes, steps: Iterable[tuple[int, int, str]]) -> bytes:
    """What was there before *content*, by the steps that `differences` gives."""
    for start, length, old in steps:
        content = content[:start] + old.encode() + content[start + length :]
    return content
