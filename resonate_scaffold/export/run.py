"""The command `export contracts`: ask the service, write files, all or none of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from resonate_scaffold import disk
from resonate_scaffold.errors import DiskError, ScaffoldError, Unknown, UsageError
from resonate_scaffold.export import json_schema, typescript
from resonate_scaffold.export.contracts import Contracts, parse
from resonate_scaffold.export.entrances import entrances
from resonate_scaffold.plan import Change, Create, Edit, Plan, unified_diff
from resonate_scaffold.project import MANIFEST, Project
from resonate_scaffold.report import Outcome, Report
from resonate_scaffold.service.service import Service
from resonate_scaffold.service_command import last_line, run_command

TYPESCRIPT = "typescript"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """``form`` is "json-schema" or "typescript"; ``out`` the directory to write to."""

    project: Path
    form: str
    out: Path
    dry_run: bool


def write(request: ExportRequest, report: Report) -> Outcome:
    """Write the contracts of the service around ``request.project``.

    Raises:
        ScaffoldError: nothing was written.
    """
    root, project = disk.discover(request.project)
    contracts = ask(root, project)
    if not contracts.functions:
        raise Unknown(f"{project.name} has no contracts", "Add a workflow or an rpc: resonate-scaffold add --help")
    plan = _plan(_directory(request.out, root), _files(contracts, project, request.form))
    diff = list(unified_diff(plan)) if request.dry_run else None
    if diff is not None:
        report.files(plan)
        report.diff(diff)
    else:
        _carry_out(request.out, plan)
        report.files(plan)
    notes = (*plan.notes, *(["Dry run: nothing was changed"] if request.dry_run else []))
    for line in notes:
        report.note(line)
    return Outcome(
        "export",
        str(root),
        changes=tuple((str(request.out / change.path), change.action) for change in plan.changes),
        notes=notes,
        diff=None if diff is None else "\n".join(diff),
    )


def ask(root: Path, project: Project) -> Contracts:
    """The contracts as the service's own code has them: run with its environment and settings, as `dev` does.

    Raises:
        ScaffoldError: it is not installed, or does not answer.
    """
    arguments = ["contracts", "--json"]
    shown = f"python -m {project.package} {' '.join(arguments)}"
    done = run_command(root, project.package, arguments)
    if done.returncode:
        if "No such option" in done.stderr:
            version = project.manifest.version
            raise ScaffoldError(
                f"The runtime of {project.name} is of version {version}, which cannot export its contracts",
                "Use the version of resonate-scaffold that made it, or make it anew with this one.",
            )
        raise ScaffoldError(f"`{shown}` failed: {last_line(done)}", f"Run it by hand in {root}, and mend what it says.")
    try:
        return parse(done.stdout)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ScaffoldError(
            f"`{shown}` printed something else than contracts ({type(error).__name__})",
            "Nothing in the service may print when it is imported: see what the command prints.",
        ) from error


def _files(contracts: Contracts, project: Project, form: str) -> Iterator[tuple[PurePosixPath, str, bool]]:
    """Path, text, and whether the file is written anew where it is there."""
    if form != TYPESCRIPT:
        yield from ((path, text, True) for path, text in json_schema.render(contracts))
        return
    yield typescript.module_of(contracts), typescript.render(contracts, entrances(Service(project))), True
    yield from ((path, text, False) for path, text in typescript.workers(contracts))


def _directory(out: Path, root: Path) -> Path:
    """Where to write, resolved; no link in the service may lead out of it.

    Raises:
        DiskError: one does, or the directory is a file.
        UsageError: it is a service.
    """
    resolved = out.resolve()
    if Path(os.path.abspath(out)).is_relative_to(root) and not resolved.is_relative_to(root):  # noqa: PTH100
        raise DiskError(f"{out} leads out of the service by a symbolic link", "Name the directory that you mean.")
    if (resolved / MANIFEST).exists():
        raise UsageError(f"{out} is a service", "Give --out a directory of its own.")
    if resolved.exists() and not resolved.is_dir():
        raise DiskError(f"{out} is not a directory", "Give --out a directory.")
    return resolved


def _plan(directory: Path, files: Iterable[tuple[PurePosixPath, str, bool]]) -> Plan:
    changes: list[Change] = []
    notes = []
    for path, text, is_renewed in files:
        there, content = directory / path, text.encode()
        if not os.path.lexists(there):
            changes.append(Create(path, content))
        elif not is_renewed:
            notes.append(f"{path} is there already, and was left as it is")
        elif (before := disk.read_plain(there)) != content:
            changes.append(Edit(path, before, content))
    if not changes:
        notes.append("Nothing has changed: nothing to do")
    return Plan(tuple(changes), tuple(notes))


def _carry_out(out: Path, plan: Plan) -> None:
    directory = out.resolve()
    if directory.is_dir():
        disk.apply(directory, plan)
    else:
        disk.create_tree(directory, plan, lambda tree: None)
