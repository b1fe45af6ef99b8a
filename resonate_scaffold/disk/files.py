"""What can be read of a service on a disk, and where it is."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from resonate_scaffold import trust
from resonate_scaffold.disk import plain
from resonate_scaffold.errors import (
    Changed,
    DiskError,
    NoProject,
    UsageError,
)
from resonate_scaffold.project import ADDS, MANIFEST, RUFF_SETTINGS, Files, Manifest

ROOT_FILES = frozenset(
    {
        *("Procfile", "Procfile.dev", "compose.yaml", "pyproject.toml", ".env.example", str(MANIFEST)),
        *("README.md", "AGENTS.md", ".copier-answers.yml", "tests/contracts.json"),
    }
)
HISTORIES = PurePosixPath("tests/histories")
DEPLOYMENTS = frozenset({("deploy", "kubernetes"), ("deploy", "systemd")})


def find_service(start: Path) -> Path:
    try:
        start = start.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{start} is not there", "Give --project the directory of a service.") from error
    if not start.is_dir():
        raise UsageError(f"{start} is not a directory", "Give --project the directory of a service.")
    for directory in (start, *start.parents):
        status = plain.lstat(directory / MANIFEST)
        if status is None:
            continue
        if not stat.S_ISREG(status.st_mode):
            raise DiskError(f"{directory / MANIFEST} is not a plain file", f"Restore it: git checkout -- {MANIFEST}")
        trust.check_owner(directory, str(MANIFEST))
        return directory
    raise NoProject(
        f"{start} is not in a service made by resonate-scaffold",
        "Change into one, or give --project DIR. A new one: resonate-scaffold new NAME",
    )


def package_at(root: Path) -> str | None:
    """The name of the service's package; None where there is no service yet."""
    if plain.lstat(root / MANIFEST) is None:
        return None
    manifest = Manifest.from_bytes(plain.read_file(root / MANIFEST))
    try:
        return package_of(root, str(manifest.answers["package_name"]))
    except NoProject:
        return str(manifest.answers["package_name"])  # it has gone meanwhile: its paths are known all the same


def may_change(path: PurePosixPath, package: str | None) -> bool:
    """Whether a plan may have a path: in a service, what generators read; where none is yet, all but a `.venv`."""
    if package is None:
        return ".venv" not in {part.casefold() for part in path.parts}
    ours = path.suffix == ".py" and path.parts[0] in (package, "tests") and path.parts[:2] != (package, "runtime")
    ours = ours or (path.parent == HISTORIES and path.suffix == ".json")
    ours = ours or (path.parts[:2] in DEPLOYMENTS and len(path.parts) > 2)
    return ours or str(path) in ROOT_FILES or (path.parent == ADDS and path.suffix == ".json")


class FilesOnDisk(Files):
    """What generators may read of a service: Python of its package and tests, and a few files beside them.

    The machinery (`runtime/`) can be read, and is not among them. A file is read when it is asked for, and then stays
    as it was; a plan that is made of older content is refused by `apply`. Links are not followed.
    """

    def __init__(self, root: Path, package: str, read: Mapping[str, bytes] | None = None) -> None:
        self._root = root
        self._tops = (package, "tests")
        self._runtime = (package, "runtime")
        self._read = dict(read or {})
        self._contents: dict[PurePosixPath, list[tuple[str, bytes]]] = {}  # of whole directories
        self._containing: dict[tuple[PurePosixPath, bytes], list[PurePosixPath]] = {}

    def __getitem__(self, path: PurePosixPath) -> bytes:
        name = str(path)
        if name not in self._read:
            if not self._is_file(path):
                raise KeyError(path)
            try:
                self._read[name] = plain.read_file(self._root / path)
            except FileNotFoundError as error:
                raise Changed(f"{path} vanished while the service was read", plain.AGAIN) from error
            except OSError as error:
                raise DiskError(
                    f"Cannot read {path}: {error.strerror or error}", "Check the path and its permissions."
                ) from error
        return self._read[name]

    def __contains__(self, path: object) -> bool:
        return isinstance(path, PurePosixPath) and (str(path) in self._read or self._is_file(path))

    def __iter__(self) -> Iterator[PurePosixPath]:
        yield from (PurePosixPath(name) for name in sorted(ROOT_FILES) if PurePosixPath(name) in self)
        for directory in (ADDS, HISTORIES):
            yield from (path for name in self.children(directory) if (path := directory / name) in self)
        for top in self._tops:
            yield from self.below(PurePosixPath(top))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def children(self, directory: PurePosixPath) -> list[str]:
        """The names in a directory; none where there is no such directory."""
        if not self._leads_nowhere_else(directory):
            return []
        try:
            return sorted(os.listdir(self._root / directory))  # noqa: PTH208 - thousands of paths would show
        except (FileNotFoundError, NotADirectoryError):
            return []

    def is_taken(self, path: PurePosixPath) -> bool:
        """Whether something is at a path, that may be read or not."""
        return plain.lstat(self._root / path) is not None

    def containing(self, directory: PurePosixPath, text: bytes) -> list[PurePosixPath]:
        """The Python files below a directory that contain a text."""
        if directory not in self._contents:
            root, known = f"{self._root}/", self._read
            self._contents[directory] = [
                (name, known[name] if name in known else plain.read_seen(root + name))
                for name in self._walk(str(directory))
            ]
        if (directory, text) not in self._containing:
            found = [PurePosixPath(name) for name, content in self._contents[directory] if text in content]
            self._containing[directory, text] = found
        return self._containing[directory, text]

    def ruff_settings(self, directory: PurePosixPath) -> tuple[str, bytes] | None:
        """A file that extends the settings of a directory; for the root also those of a directory above it.

        By its path, so that what it refers to is found.
        """
        here = self._root / directory
        for place in (here, *(() if directory.parts else here.parents)):
            for path in (place / name for name in RUFF_SETTINGS):
                if path.is_file() and (path.name != RUFF_SETTINGS[-1] or _configures_ruff(path)):
                    return "ruff.toml", f"extend = {json.dumps(str(path), ensure_ascii=False)}\n".encode()
        return None

    def _is_file(self, path: PurePosixPath) -> bool:
        machinery = path.parts[:2] == self._runtime and path.suffix == ".py"
        if not machinery and not may_change(path, self._tops[0]) and path.parent != ADDS:
            return False
        return self._leads_nowhere_else(path.parent) and plain.is_kind(self._root / path, stat.S_IFREG)

    def _leads_nowhere_else(self, directory: PurePosixPath) -> bool:
        """Whether no part of a path is a link."""
        return all(
            plain.is_kind(self._root / part, stat.S_IFDIR)
            for part in (directory, *directory.parents[:-1])
            if part.parts
        )

    def below(self, directory: PurePosixPath) -> Iterator[PurePosixPath]:
        """The Python files below a directory, sorted by directory and name."""
        return map(PurePosixPath, self._walk(str(directory)))

    def _walk(self, directory: str) -> Iterator[str]:
        """The paths of the Python files below a directory. As texts: there may be thousands."""
        path = PurePosixPath(directory)
        if path.parts == self._runtime or not self._leads_nowhere_else(path):
            return
        with os.scandir(f"{self._root}/{directory}") as entries:
            found = {entry.name: entry for entry in entries}
        for name in sorted(found):
            if name.endswith(".py") and found[name].is_file(follow_symlinks=False):
                yield f"{directory}/{name}"
            elif name != "__pycache__" and not name.startswith(".") and found[name].is_dir(follow_symlinks=False):
                yield from self._walk(f"{directory}/{name}")


def _configures_ruff(path: Path) -> bool:
    """Whether a pyproject.toml has settings of ruff. One that cannot be read has: ruff says what is wrong with it."""
    content = path.read_bytes()
    if b"\n[tool.ruff]" in content:  # as nearly all have it: to parse takes its time
        return True
    import tomllib

    try:
        tools = tomllib.loads(content.decode()).get("tool")
    except ValueError:
        return True
    return isinstance(tools, dict) and "ruff" in tools


def package_of(root: Path, name: str) -> str:
    """The directory of the service's package, under its first *name* or the only one that looks like it.

    Raises:
        NoProject: there is none, or any of several could be it.
    """
    if _looks_like_a_package(root / name):
        return name
    alike = [path.name for path in sorted(root.iterdir()) if path.name.isidentifier() and _looks_like_a_package(path)]
    if len(alike) == 1:
        return alike[0]
    also = f", and any of {', '.join(alike)} could be it" if alike else ""
    raise NoProject(
        f"The service's package {name} is not in {root}{also}",
        "Restore it. A renamed package is the one directory there with runtime/ and contracts/.",
    )


def _looks_like_a_package(directory: Path) -> bool:
    """Whether a directory has the rooms of a service, as they are now or as they were in version 0.1.0."""
    now = plain.is_kind(directory / "runtime", stat.S_IFDIR)
    before = plain.is_kind(directory / "rpc.py", stat.S_IFREG) and plain.is_kind(directory / "engine.py", stat.S_IFREG)
    contracts = plain.is_kind(directory / "contracts", stat.S_IFDIR)
    return plain.is_kind(directory, stat.S_IFDIR) and (now or before) and contracts
