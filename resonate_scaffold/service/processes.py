"""The processes that files beside the code run: Procfiles, compose.yaml, what is in `deploy/`.

They are found by their commands (`worker`, `group mail`), however the rest of a file has been edited.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from resonate_scaffold.project import Project
from resonate_scaffold.service.deployments import DIRECTORY

PROCFILE, PROCFILE_DEV, COMPOSE = map(PurePosixPath, ("Procfile", "Procfile.dev", "compose.yaml"))

_COMMANDS = {"api": "api", "worker": "workers", "db": "db"}
# In YAML: a list on one line, a list on lines of their own, or a text.
_YAML = re.compile(rb"(?m)^[ \t-]*(?:args|command):[ \t]*(\[[^\]]*\]|\n(?:[ \t]*-[^\n]*(?:\n|\Z))+|[^\n]+)")
_LINE = re.compile(rb"(?m)^(?:ExecStart=|[\w-]+:[ \t]*)(\S[^\n]*)$")  # of a unit, or of a Procfile
_WORD = re.compile(rb"[\w./-]*\w")


@dataclass(slots=True)
class Processes:
    """What some files run of a service, each with the file and the line that says it; and all that they say."""

    groups: dict[str, tuple[PurePosixPath, int]] = field(default_factory=dict)
    stand_ins: dict[str, tuple[PurePosixPath, int]] = field(default_factory=dict)
    text: bytes = b""

    def mentions(self, setting: str) -> bool:
        """Whether a setting is named in one of the files."""
        return re.search(rb"(?<![A-Z_])%s(?![A-Z_])" % re.escape(setting.encode()), self.text) is not None


def read_processes(project: Project, paths: Iterable[PurePosixPath]) -> Processes:
    """What these files run. Those that are not there run nothing."""
    found = Processes()
    for path in paths:
        if path not in project.files:
            continue
        content = project.files[path]
        found.text += content
        for match in (_YAML if path.suffix in (".yaml", ".yml") else _LINE).finditer(content):
            where = (path, content.count(b"\n", 0, match.start(1)) + 1)
            match _command([it.decode(errors="replace") for it in _WORD.findall(match[1])], project.package):
                case ["group", name, *_]:
                    found.groups.setdefault(name, where)
                case ["fake", name, *_]:
                    found.stand_ins.setdefault(name, where)
                case [name, *_] if name in _COMMANDS:
                    found.groups.setdefault(_COMMANDS[name], where)
    return found


def _command(words: list[str], package: str) -> list[str]:
    """A command line behind the program that it is of: ``python -m shop group mail`` is ``group mail``."""
    for at, word in enumerate(words):
        if PurePosixPath(word).name == package and (at == 0 or words[at - 1] == "-m"):
            return words[at + 1 :]
    return words


def paths_of(project: Project, platform: str) -> list[PurePosixPath]:
    """All files of a deployment, also those that somebody has put beside them."""
    return sorted(_below(project, DIRECTORY / platform))


def _below(project: Project, directory: PurePosixPath) -> Iterator[PurePosixPath]:
    for name in project.files.children(directory):
        path = directory / name
        if path in project.files:
            yield path
        else:
            yield from _below(project, path)
