"""The files that a check reads, and its settings: `[tool.resonate-scaffold]` of the project's pyproject.toml.

The whole project is read, whatever part of it was asked about: who serves a name is said elsewhere. Its root is the
nearest directory upwards that has a pyproject.toml, else the one of the repository, else what was asked about.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from resonate_scaffold.check.findings import RULES
from resonate_scaffold.check.runtime import SNAPSHOT, Runtime
from resonate_scaffold.disk import read_plain
from resonate_scaffold.errors import UsageError
from resonate_scaffold.project import MANIFEST

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"})
_TABLE = "resonate-scaffold"
_LARGEST = 4 << 20  # bytes of a manifest


@dataclass(frozen=True, slots=True)
class Settings:
    """Which rules are on, and where. Rules are codes or beginnings of codes (``RS2``), or ``ALL``."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Patterns of paths, with what is ignored in them."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A project as a check reads it. ``asked``: the paths that were asked about, below ``root``.

    ``beside`` has the manifests of generated services, what of their runtimes is not Python, and their contracts'
    snapshots.
    """

    root: Path
    files: Mapping[PurePosixPath, bytes]
    beside: Mapping[PurePosixPath, bytes]
    settings: Settings
    asked: tuple[PurePosixPath, ...]

    def is_asked(self, path: PurePosixPath) -> bool:
        """Whether a file is among what was asked about."""
        return any(asked == path or asked in path.parents or not asked.parts for asked in self.asked)

    def is_told(self, path: PurePosixPath) -> bool:
        """Whether what is found about a file is told: of one that was not read, unless the settings leave it out."""
        excluded = any(_is_named(str(it), self.settings.exclude) for it in (path, *path.parents) if it.parts)
        return self.is_asked(path) and (path in self.files or not excluded)


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
    files: dict[PurePosixPath, bytes] = {}
    beside: dict[PurePosixPath, bytes] = {}
    for path in _files_below(root, root, settings.exclude):
        relative = PurePosixPath(path.relative_to(root).as_posix())
        if path.suffix == ".py":
            files[relative] = read_plain(path)
        elif path.name == MANIFEST.name:
            beside |= _service(root, relative)
    for named in asked:  # it is read even where it would be passed over
        if named not in files and (root / named).is_file():
            files[named] = read_plain(root / named)
    return Tree(root, files, beside, settings, asked)


def _service(root: Path, manifest: PurePosixPath) -> dict[PurePosixPath, bytes]:
    """The manifest of a generated service, what of its runtime is not Python, and the snapshot of its contracts."""
    content = _bytes_of(root / manifest)
    if content is None:
        return {}
    others = [manifest.parent / path for path in Runtime.of(content).files if path.suffix != ".py"]
    others.append(manifest.parent / SNAPSHOT)
    found = {path: _bytes_of(root / path) for path in others}
    return {manifest: content, **{path: it for path, it in found.items() if it is not None}}


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


def _files_below(directory: Path, root: Path, exclude: tuple[str, ...]) -> Iterator[Path]:
    """Every Python file and every manifest below, in order; nothing hidden or installed, and no link is followed."""
    try:
        entries = sorted(os.scandir(directory), key=lambda it: it.name)
    except OSError:
        return  # it may not be looked into: nothing of the project's
    for entry in entries:
        relative = Path(entry.path).relative_to(root).as_posix()
        if _is_named(relative, exclude):
            continue
        if entry.is_dir(follow_symlinks=False):
            hidden = entry.name.startswith(".") or entry.name in _SKIPPED
            if not hidden and not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):  # noqa: PTH110, PTH118
                yield from _files_below(Path(entry.path), root, exclude)
        elif entry.name.endswith((".py", MANIFEST.name)) and stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
            yield Path(entry.path)


def _is_named(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern names a file or a directory, by its path or by its name."""
    return any(fnmatch(path, pattern) or fnmatch(path.rpartition("/")[2], pattern) for pattern in patterns)


def settings_of(root: Path) -> Settings:
    """The settings of a project; without any, the default ones.

    Raises:
        UsageError: they are not as they should be.
    """
    path = root / "pyproject.toml"
    try:
        table: Any = tomllib.loads(read_plain(path).decode()).get("tool", {}).get(_TABLE, {})
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "Put there the file itself, no link.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "Mend it.") from None
    known = {"select", "ignore", "exclude", "per-file-ignores"}
    unknown = sorted(set(table) - known)
    if unknown:
        raise UsageError(f"[tool.{_TABLE}] has no setting {unknown[0]!r}", f"It has {', '.join(sorted(known))}.")
    per_file = table.get("per-file-ignores", {})
    if not isinstance(per_file, dict):
        raise UsageError(f"per-file-ignores of [tool.{_TABLE}] is no table", 'For example: "scripts/*" = ["RS204"]')
    return Settings(
        rules(_texts(table, "select"), "select"),
        rules(_texts(table, "ignore"), "ignore"),
        _texts(table, "exclude"),
        tuple((pattern, rules(_texts(per_file, pattern), pattern)) for pattern in per_file),
    )


def _texts(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(it, str) for it in value):
        raise UsageError(f"{name} of [tool.{_TABLE}] is no list of texts", f'For example: {name} = ["RS204"]')
    return tuple(value)


def rules(given: Sequence[str], where: str) -> tuple[str, ...]:
    """Rules as somebody wrote them, by code, beginning of a code, or name; as codes.

    Raises:
        UsageError: there is no such rule.
    """
    names = {rule.name: rule.code for rule in RULES.values()}
    found: list[str] = []
    for text in (part.strip() for item in given for part in item.split(",")):
        code = names.get(text.lower(), text.upper())
        if not text or (code != "ALL" and not any(known.startswith(code) for known in RULES)):
            close = _close(text, [*RULES, *names])
            raise UsageError(f"{where}: there is no rule {text!r}", close or "They are listed in docs/check.md.")
        found.append(code)
    return tuple(found)


def _close(text: str, known: Sequence[str]) -> str | None:
    import difflib

    close = difflib.get_close_matches(text, known, 1)
    return f"Did you mean {close[0]}?" if close else None
