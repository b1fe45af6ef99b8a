"""RS602: what starts the processes of a service, and what the code of the service has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import PurePosixPath

from resonate_scaffold.check.findings import Finding
from resonate_scaffold.code.program import Program
from resonate_scaffold.code.runtime import Runtime
from resonate_scaffold.errors import BrokenSource, ManifestError
from resonate_scaffold.project import MANIFEST, FilesInMemory, Manifest, Project
from resonate_scaffold.service.deployments import PLATFORMS, is_there, main_file, read_deployed
from resonate_scaffold.service.processes import (
    COMPOSE,
    PROCFILE,
    PROCFILE_DEV,
    Processes,
    paths_of,
    read_processes,
)
from resonate_scaffold.service.service import Service

_REPAIR = "`resonate-scaffold list --repair` puts it in."
_READ = frozenset({"__init__.py", "__main__.py", "app.py", "worker.py"})
_READ_BELOW = frozenset({"clients", "contracts", "runtime"})
_MADE_BY_NEW = frozenset({"api", "workers", "db"})


def deployments(program: Program) -> Iterator[Finding]:
    """RS602, for each service whose manifest is here."""
    for path, content in program.beside.items():
        if path.name != MANIFEST.name:
            continue
        root, package = path.parent, Runtime.of(content).package
        files = dict(_read_of(program, root, package))
        if not package or PurePosixPath(package, "__main__.py") not in files:
            continue  # damaged, or the package has another name
        manifest = Manifest.from_bytes(content)
        if manifest.older:
            continue  # its groups are found otherwise; `upgrade` brings these files along
        project = Project(package, manifest, FilesInMemory(files))
        try:
            for it in _Comparison(project).findings():
                yield Finding(root / it.path, it.line, 1, "RS602", it.message, it.hint)
        except (BrokenSource, ManifestError):
            continue  # it is told elsewhere


def _read_of(program: Program, root: PurePosixPath, package: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The files of a service, relative to it, but for its workflows, routes and tests, of which there are many."""
    for files in (program.files, program.beside):
        for path, text in files.items():
            if path.is_relative_to(root):
                path = path.relative_to(root)
                parts = path.parts
                if path.suffix != ".py" or (
                    parts[0] == package
                    and (path.name in _READ or parts[1] in _READ_BELOW or parts[1:3] == ("db", "queries"))
                ):
                    yield path, text


class _Comparison:
    """One service. What `add` has recorded is not missed: these files had it, so somebody has taken it out."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._service = Service(project)

    def findings(self) -> Iterator[Finding]:
        """What the files lack, and what they run that is no more; paths are relative to the service."""
        for path in (PROCFILE, COMPOSE):
            yield from self._groups(path, read_processes(self._project, [path]))
        yield from self._stand_ins()
        for platform in PLATFORMS:
            if is_there(self._project, platform):
                path = main_file(self._project, platform)
                processes = read_processes(self._project, paths_of(self._project, platform))
                yield from self._groups(path, processes)
                if platform == "kubernetes":
                    yield from self._settings(path, processes)

    def _groups(self, path: PurePosixPath, processes: Processes) -> Iterator[Finding]:
        if not processes.groups:
            return  # it runs databases alone, or is another's
        for group in sorted(self._own_groups - _MADE_BY_NEW - processes.groups.keys()):
            if self._project.find_add("group", group) is None:
                message = f"group {group} has no process here: its work would wait for ever"
                yield Finding(path, 1, 1, "RS602", message, _REPAIR)
        for group, (place, line) in processes.groups.items():
            if group not in self._own_groups | _MADE_BY_NEW and not self._is_known_otherwise(group):
                message = f"this starts group {group}, which the code has not: the process would end at once"
                hint = "Take it out, or call it as the group is called now."
                yield Finding(place, line, 1, "RS602", message, hint)

    def _stand_ins(self) -> Iterator[Finding]:
        processes = read_processes(self._project, [PROCFILE, PROCFILE_DEV])
        if PROCFILE not in self._project.files:
            return
        for group, (place, line) in processes.stand_ins.items():
            if group not in self._service.foreign_groups:
                message = f"this starts stand-ins for group {group}, which has no contract: they would end at once"
                yield Finding(place, line, 1, "RS602", message, "Take it out, or call it as the group is called now.")

    def _settings(self, path: PurePosixPath, processes: Processes) -> Iterator[Finding]:
        for client, groups in read_deployed(self._service).clients:
            url = f"{client.replace('-', '_').upper()}_URL"
            if groups and self._project.find_add("client", client) is None and not processes.mentions(url):
                message = f"client {client} has no {url} here: group {groups[0]} would not start"
                yield Finding(path, 1, 1, "RS602", message, _REPAIR)
        if read_deployed(self._service).reads and not self._project.adds("query"):
            api = read_processes(
                self._project, [it for it in paths_of(self._project, "kubernetes") if "api" in it.stem]
            )
            if not any(it.mentions(name) for it, name in ((processes, "READ_DATABASE_URL"), (api, "DATABASE_URL"))):
                message = "the API has queries, and no READ_DATABASE_URL here: it would not start"
                yield Finding(path, 1, 1, "RS602", message, _REPAIR)

    @cached_property
    def _own_groups(self) -> set[str]:
        return {group.name for group in self._service.groups}

    def _is_known_otherwise(self, group: str) -> bool:
        """Whether somebody else serves a group, or GROUPS may have it: what `exclude` names is not among the files."""
        main = self._project.files[PurePosixPath(self._project.package, "__main__.py")]
        named = f'"{group}"'.encode() in main or f"'{group}'".encode() in main
        return named or group in self._service.foreign_groups
