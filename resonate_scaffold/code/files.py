"""The files of a project that are read: all but what `exclude` in its pyproject.toml names, and what is installed.

The whole project is read, whatever part of it was asked about: who serves a name is said elsewhere. Its root is the
nearest directory upwards that has a pyproject.toml, else the one of the repository, else what was asked about.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from resonate_scaffold.code.runtime import SNAPSHOT, Runtime
from resonate_scaffold.disk import read_plain
from resonate_scaffold.errors import UsageError
from resonate_scaffold.project import ADDS, MANIFEST

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"})
TABLE = "resonate-scaffold"
SETTINGS = frozenset({"select", "ignore", "exclude", "per-file-ignores"})
_STARTING = ("Procfile", "Procfile.dev", "compose.yaml")
_LARGEST = 4 << 20  # bytes of a manifest


@dataclass(frozen=True, slots=True)
class Patterns:
    """Paths as `.gitignore` names them, the way ruff reads them too: ``legacy/``, ``*_pb2.py``, ``docs/**/x.py``."""

    lines: tuple[str, ...] = ()

    @classmethod
    def of(cls, lines: Sequence[str], where: str) -> Patterns:
        """Read some patterns; ``./legacy`` is ``legacy`` of the root.

        Raises:
            UsageError: one of them is none.
        """
        patterns = cls(tuple(f"/{line[2:]}" if line.startswith("./") else line for line in lines))
        try:
            patterns.match("")
        except ValueError as error:
            raise UsageError(f"{where} of [tool.{TABLE}]: {error}", "Patterns are those of .gitignore.") from None
        return patterns

    def match(self, path: str) -> bool:
        """Whether a path below the root is named, itself or by a directory above it; one of a directory ends in `/`."""
        return bool(self.lines) and _compiled(self.lines).match_file(path)


@functools.cache
def _compiled(lines: tuple[str, ...]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # only where there are patterns

    return GitIgnoreSpec.from_lines(lines)


@dataclass(frozen=True, slots=True)
class Tree:
    """A project as it is read. ``asked``: the paths that were asked about, below ``root``.

    ``settings`` is the table `[tool.resonate-scaffold]` of its pyproject.toml.

    ``beside`` has the manifests of generated services, what of their runtimes is not Python, the snapshots of their
    contracts, what starts their processes, and the records of what was added.
    """

    root: Path
    files: Mapping[PurePosixPath, bytes]
    beside: Mapping[PurePosixPath, bytes]
    settings: Mapping[str, Any]
    exclude: Patterns
    asked: tuple[PurePosixPath, ...]

    @property
    def named(self) -> list[PurePosixPath]:
        """The files that were asked about themselves, not by a directory above them."""
        return sorted(path for path in self.asked if path in self.files)

    def is_asked(self, path: PurePosixPath) -> bool:
        """Whether a file is among what was asked about."""
        return any(not asked.parts or path.is_relative_to(asked) for asked in self.asked)

    def is_told(self, path: PurePosixPath) -> bool:
        """Whether what is found about a file is told: of one that was not read, unless the settings leave it out."""
        return self.is_asked(path) and (path in self.files or not self.exclude.match(str(path)))


def read(paths: Sequence[Path]) -> list[Tree]:
    """The projects that these paths are in.

    Raises:
        UsageError: a path is not there, or the settings cannot be read.
    """
    asked: dict[Path, list[PurePosixPath]] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} is not there", "Give files or directories of Python.")
        if path.is_symlink() and not path.is_dir():
            raise UsageError(f"{path} is a symbolic link", "Give the file that it points to.")
        there = path.resolve()
        root = _root(there)
        asked.setdefault(root, []).append(PurePosixPath(there.relative_to(root).as_posix()))
    return [_tree(root, tuple(below)) for root, below in asked.items()]


def _tree(root: Path, asked: tuple[PurePosixPath, ...]) -> Tree:
    settings = settings_of(root)
    exclude = Patterns.of(texts(settings, "exclude"), "exclude")
    files: dict[PurePosixPath, bytes] = {}
    beside: dict[PurePosixPath, bytes] = {}
    for name in _files_below(root, "", exclude):
        if name.endswith(".py"):
            files[PurePosixPath(name)] = read_plain(root / name)
        else:
            beside |= _service(root, PurePosixPath(name))
    for named in asked:  # it is read even where it would be passed over
        if named not in files and (root / named).is_file():
            files[named] = read_plain(root / named)
    return Tree(root, files, beside, settings, exclude, asked)


def _service(root: Path, manifest: PurePosixPath) -> dict[PurePosixPath, bytes]:
    """The manifest of a generated service, and what else of it is read that is not Python."""
    content = _bytes_of(root / manifest)
    if content is None:
        return {}
    others = [manifest.parent / path for path in Runtime.of(content).files if path.suffix != ".py"]
    others += [manifest.parent / SNAPSHOT, *_starting(root, manifest.parent)]
    found = {path: _bytes_of(root / path) for path in others}
    return {manifest: content, **{path: it for path, it in found.items() if it is not None}}


def _starting(root: Path, service: PurePosixPath) -> Iterator[PurePosixPath]:
    """What starts the processes of a service: Procfiles, compose.yaml, `deploy/`; and the records of its adds."""
    yield from (service / name for name in _STARTING)
    directories = [service / ADDS, *(service / "deploy" / platform for platform in ("kubernetes", "systemd"))]
    while directories:
        directory = directories.pop()
        with contextlib.suppress(OSError):
            for entry in os.scandir(root / directory):
                if entry.is_dir(follow_symlinks=False):
                    directories.append(directory / entry.name)
                else:
                    yield directory / entry.name


def _bytes_of(path: Path) -> bytes | None:
    """What is in a file, of a large one the beginning; None for what is none, or is reached through a link."""
    try:
        if path.resolve() != path or not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError:
        return None


def _root(path: Path) -> Path:
    start = path if path.is_dir() else path.parent
    for marker in ("pyproject.toml", ".git"):
        for directory in (start, *start.parents):
            if (directory / marker).exists():
                return directory
    return start


def _files_below(root: Path, directory: str, exclude: Patterns) -> Iterator[str]:
    """Every Python file and every manifest below, in order; nothing hidden or installed, and no link is followed.

    Paths are relative to the root, as texts: a path object for each step would cost more than to read the files.
    """
    try:
        entries = sorted(os.scandir(root / directory), key=lambda it: it.name)
    except OSError:
        return  # it may not be looked into: nothing of the project's
    for entry in entries:
        relative = f"{directory}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            hidden = entry.name.startswith(".") or entry.name in _SKIPPED
            installed = hidden or os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))  # noqa: PTH110, PTH118
            if not installed and not exclude.match(f"{relative}/"):
                yield from _files_below(root, f"{relative}/", exclude)
        elif _is_read(entry) and not exclude.match(relative):
            yield relative


def _is_read(entry: os.DirEntry[str]) -> bool:
    named = entry.name.endswith(".py") or entry.name == MANIFEST.name
    return named and stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)


def settings_of(root: Path) -> Mapping[str, Any]:
    """The table `[tool.resonate-scaffold]` of a project; an empty one where there is none.

    Raises:
        UsageError: it cannot be read.
    """
    path = root / "pyproject.toml"
    try:
        table: Any = tomllib.loads(read_plain(path).decode("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "Put there the file itself, no link.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "Correct it.") from None
    for name in ("tool", TABLE):
        table = table.get(name, {})
        if not isinstance(table, dict):
            raise UsageError(f"{path}: {name} is not a table", f"Settings stand in [tool.{TABLE}].")
    unknown = sorted(table.keys() - SETTINGS)
    if unknown:
        raise UsageError(f"[tool.{TABLE}] has no setting {unknown[0]!r}", f"It has {', '.join(sorted(SETTINGS))}.")
    found: Mapping[str, Any] = table
    return found


def texts(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A setting that is a list of texts.

    Raises:
        UsageError: it is something else.
    """
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(it, str) for it in value):
        raise UsageError(f"{name} of [tool.{TABLE}] is no list of texts", f'For example: {name} = ["RS204"]')
    return tuple(value)
