"""The only module that reads or writes a user's project.

A new service is made whole in a hidden sibling of its target and then renamed once, so that at every moment
there is either all of it at its path or nothing:

    .NAME.1a2b3c4d/             private (0700), removed at the end
        .resonate-scaffold.lock held while the command lives; the system lets go of it when the command dies
        tree/                   becomes NAME

Only a kill leaves the sibling behind. The next ``new`` of that name removes it, if it has the shape above
and nobody holds its lock.

A plan for a service that exists is carried out in two halves, around the moment when its journal appears:

    .resonate-scaffold.apply/   at the root; private (0700), removed at the end
        .resonate-scaffold.lock as above: one command at a time changes a service
        new-3                   what change 3 of the plan writes
        old-3                   what it replaces or deletes
        journal.json            the plan is decided: change by change, new-3 takes its place
        rollback.json           what the journal is renamed to when an error or Ctrl-C takes everything back

Before the journal nothing has changed; once it is gone everything has, or nothing. After a kill, the next command that
changes the service goes on in the direction that it finds: forward with journal.json, back with rollback.json. One that
only reads leaves it alone. A journal counts if this user made it: the directory is private and the user's, git does not
track it, the journal has the user's seal (see `trust`), and names only paths that a plan may have. Any other is
somebody else's: nothing of it is carried out, and commands that change the service refuse. Each change is judged by
what is in the staging directory still, and by what is at its path now, compared with the SHA-256 of what was and what
will be there; so any step can be repeated. A file that is neither has been changed by somebody since. It is left alone,
the rest is done, the version that cannot get there is put into ``.resonate-scaffold.kept/`` (same path below it), and
the command ends with an error that says so. Then the staging directory is gone, so the next command works as usual.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import re
import secrets
import shutil
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from resonate_scaffold import git, trust
from resonate_scaffold.errors import (
    Changed,
    DiskError,
    NoProject,
    PlanConflict,
    TargetExists,
    Untrusted,
    UsageError,
)
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import ADDS, MANIFEST, Files, Manifest, Project, fingerprint

_LOCK = ".resonate-scaffold.lock"
_TREE = "tree"
_STAGING = ".resonate-scaffold.apply"
_GIT = ".git"
_KEPT = ".resonate-scaffold.kept"
_DRAFT = "journal.tmp"
_JOURNAL = "journal.json"
_ROLLBACK = "rollback.json"

_AGAIN = "Run the command again."
_ROOT_FILES = frozenset({"Procfile", "Procfile.dev", "compose.yaml", "pyproject.toml", ".env.example", str(MANIFEST)})

# A file system that has no hard links, or too many of this file, says one of these.
_NO_LINK = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EMLINK})
# What else can be at a path than a file of some content, or nothing.
_NO_FILE = "not a file"


def check_target(target: Path) -> bool:
    """See that a service can be made at *target*: nothing is there, an empty directory, or a clone without files.

    Returns:
        Whether it is a clone: a directory with `.git` and nothing else, but for what a killed command left.

    Raises:
        TargetExists: something else is there.
        DiskError: what is there cannot be looked at.
    """
    try:
        if target.is_symlink():
            raise TargetExists(f"{target} is a symbolic link", "Choose another name, or another place with --into.")
        if target.is_dir():
            names = {path.name for path in target.iterdir()}
            if names - {_GIT, _STAGING} or (names and _GIT not in names):
                raise TargetExists(
                    f"{target} exists and is not empty", "Choose another name, or another place with --into."
                )
            return bool(names)
        if target.exists():
            raise TargetExists(f"{target} is a file", "Choose another name, or another place with --into.")
    except OSError as error:
        raise DiskError.of(error, target) from error
    return False


def create_tree(target: Path, plan: Plan, before_rename: Callable[[Path], None]) -> None:
    """Make *target* with everything that *plan* creates, or leave everything as it was.

    Args:
        target: an absolute path; its parent is made if it is not there.
        plan: it may only create.
        before_rename: called with the finished tree, which is not at its place yet; if it raises, nothing is
            left.

    Raises:
        TargetExists: *target* is taken, perhaps since a moment ago.
        DiskError: the operating system refused; nothing is left.
    """
    check_target(target)
    made: list[Path] = []
    staging: Path | None = None
    lock: IO[bytes] | None = None
    with contextlib.ExitStack() as stack:
        try:
            _make_parents(target.parent, made)
            _sweep(target)
            staging, lock = _stage(target)
            stack.enter_context(lock)
            tree = staging / _TREE
            tree.mkdir()
            for change in plan.changes:
                _write(tree, change)
            before_rename(tree)
            _rename(tree, target)
        except BaseException as error:
            with _uninterrupted():
                _discard(staging, lock)
                # Only those that are empty again: somebody else may have put something there.
                for directory in reversed(made):
                    with contextlib.suppress(OSError):
                        directory.rmdir()
            if isinstance(error, OSError):
                raise DiskError.of(error, target) from error
            raise
        with _uninterrupted():
            _discard(staging, lock)


def discover(start: Path, *, settle: bool = False) -> tuple[Path, Project]:
    """Find the service that *start* is in.

    Symbolic links are not followed: they count as taken names.

    Args:
        settle: finish or take back first what a killed command left undone, for a command that changes the service.
            Otherwise nothing is written.

    Returns:
        The service's root, resolved, and the service, whose files are read when they are asked for.

    Raises:
        UsageError: *start* is not a directory.
        NoProject: no directory from *start* upwards has a manifest, or the service's package is gone.
        Untrusted: the service belongs to another user; or, with *settle*, what is left undone there does.
        ManifestError: the manifest is damaged.
        Changed: with *settle*, another command is changing the service, or one was killed and files changed since.
        DiskError: something cannot be read.
    """
    try:
        root = _find(start)
        return root, _snapshot(root, settle=settle)
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else str(start)
        raise DiskError(
            f"Cannot read {where}: {error.strerror or error}", "Check the path and its permissions."
        ) from error


def apply(root: Path, plan: Plan, project: Project | None = None) -> None:
    """Carry out *plan* on the service at *root*, or leave everything as it was.

    Edited files keep their mode. Directories are made where they are missing, and removed where a deleted file was the
    last thing in them; bytecode does not count, and a directory that cannot be removed stays.

    Args:
        root: as `discover` returned it.
        project: what the plan was made of. Two plans may touch different files and yet need one another.

    Raises:
        Changed: a file is not what the plan was made for, another command is changing the service, or one has added or
            removed something since *project* was read.
        DiskError: a path leads through a link or is no file, or the operating system refused.
    """
    if not plan.changes:
        return
    try:
        if not _is(root, stat.S_IFDIR):
            raise Changed(f"{root} is gone", "See where the service is now, and run the command there.")
        package = _package_at(root)
        for change in plan.changes:
            if not _may_change(change.path, package):
                raise PlanConflict(f"{change.path} is not the tool's to change", "This is a bug in the generator.")
            _check(root, change)
        with _exclusively(root) as staging:
            if project is not None and project.records != _FilesOnDisk(root, project.package).children(ADDS):
                raise Changed("Another command has changed this service meanwhile", _AGAIN)
            journal = _stage_changes(root, staging, plan)
            _carry_out(root, staging, journal)
    except OSError as error:
        raise DiskError.of(error, root) from error


def _find(start: Path) -> Path:
    try:
        start = start.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{start} is not there", "Give --project the directory of a service.") from error
    if not start.is_dir():
        raise UsageError(f"{start} is not a directory", "Give --project the directory of a service.")
    for directory in (start, *start.parents):
        status = _lstat(directory / MANIFEST)
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


def is_unsettled(root: Path) -> bool:
    """Whether a command is changing the service at this moment, or was killed while it did, or it looks so."""
    return any(_lstat(root / _STAGING / name) for name in (_JOURNAL, _ROLLBACK))


def write_output(path: Path, text: str, root: Path) -> None:
    """Write a file that the user named, in UTF-8: a new one, or in place of a plain one.

    Args:
        root: a project. Below it no link is followed; what lies elsewhere the user has chosen.

    Raises:
        DiskError: a link is in the way, something that is no file is there, or the operating system refused.
    """
    try:
        there = Path(os.path.abspath(path))  # noqa: PTH100 (links are looked at below)
        ancestors = list(there.parents)
        inside = next((number for number, it in enumerate(ancestors) if it.exists() and it.samefile(root)), 0)
        for part in (there, *ancestors[:inside]):
            status = _lstat(part)
            if status is not None and stat.S_ISLNK(status.st_mode):
                raise DiskError(f"{part} is a symbolic link, which could lead anywhere", "Remove it, or name another.")
        descriptor = _open_itself(str(there), os.O_WRONLY | os.O_CREAT, mode=0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.truncate()
            file.write(text)
    except OSError as error:
        error.filename = None  # the user's own spelling is shown
        raise DiskError.of(error, path) from error


def _snapshot(root: Path, *, settle: bool) -> Project:
    if settle and _lstat(root / _STAGING):
        _recover(root)
        if _lstat(root / _STAGING):
            raise Changed(f"{root / _STAGING} cannot be removed, or came back", f"See that it is removed. {_AGAIN}")
    manifest = Manifest.from_bytes(_read(root / MANIFEST))
    package = _package(root, manifest)
    return Project(package, manifest, _FilesOnDisk(root, package))


def _package_at(root: Path) -> str | None:
    """The name of the service's package; None where there is no service yet."""
    if _lstat(root / MANIFEST) is None:
        return None
    manifest = Manifest.from_bytes(_read(root / MANIFEST))
    try:
        return _package(root, manifest)
    except NoProject:
        return str(manifest.answers["package_name"])  # it has gone meanwhile: its paths are known all the same


def _may_change(path: PurePosixPath, package: str | None) -> bool:
    """Whether a plan may have a path: in a service, what generators read; where none is yet, all but a `.venv`."""
    if package is None:
        return ".venv" not in {part.casefold() for part in path.parts}
    ours = path.suffix == ".py" and path.parts[0] in (package, "tests") and path.parts[:2] != (package, "runtime")
    return ours or str(path) in _ROOT_FILES or (path.parent == ADDS and path.suffix == ".json")


class _FilesOnDisk(Files):
    """What generators may read of a service: Python of its package and tests, and a few files beside them.

    The machinery (`runtime/`) is none of it. A file is read when it is asked for, and then stays as it was; a plan that
    is made of older content is refused by `apply`. Links are not followed.
    """

    def __init__(self, root: Path, package: str) -> None:
        self._root = root
        self._tops = (package, "tests")
        self._runtime = (package, "runtime")
        self._read: dict[str, bytes] = {}
        self._contents: dict[PurePosixPath, list[tuple[str, bytes]]] = {}  # of whole directories
        self._containing: dict[tuple[PurePosixPath, bytes], list[PurePosixPath]] = {}

    def __getitem__(self, path: PurePosixPath) -> bytes:
        name = str(path)
        if name not in self._read:
            if not self._is_file(path):
                raise KeyError(path)
            try:
                self._read[name] = _read(self._root / path)
            except FileNotFoundError as error:
                raise Changed(f"{path} vanished while the service was read", _AGAIN) from error
            except OSError as error:
                raise DiskError(
                    f"Cannot read {path}: {error.strerror or error}", "Check the path and its permissions."
                ) from error
        return self._read[name]

    def __contains__(self, path: object) -> bool:
        return isinstance(path, PurePosixPath) and (str(path) in self._read or self._is_file(path))

    def __iter__(self) -> Iterator[PurePosixPath]:
        yield from (PurePosixPath(name) for name in sorted(_ROOT_FILES) if PurePosixPath(name) in self)
        yield from (path for name in self.children(ADDS) if (path := ADDS / name) in self)
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
        return _lstat(self._root / path) is not None

    def containing(self, directory: PurePosixPath, text: bytes) -> list[PurePosixPath]:
        """The Python files below a directory that contain a text."""
        if directory not in self._contents:
            root, known = f"{self._root}/", self._read
            self._contents[directory] = [
                (name, known[name] if name in known else _read_seen(root + name)) for name in self._walk(str(directory))
            ]
        if (directory, text) not in self._containing:
            found = [PurePosixPath(name) for name, content in self._contents[directory] if text in content]
            self._containing[directory, text] = found
        return self._containing[directory, text]

    def _is_file(self, path: PurePosixPath) -> bool:
        if not _may_change(path, self._tops[0]) and path.parent != ADDS:
            return False
        return self._leads_nowhere_else(path.parent) and _is(self._root / path, stat.S_IFREG)

    def _leads_nowhere_else(self, directory: PurePosixPath) -> bool:
        """Whether no part of a path is a link."""
        return all(_is(self._root / part, stat.S_IFDIR) for part in (directory, *directory.parents[:-1]) if part.parts)

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


def _package(root: Path, manifest: Manifest) -> str:
    """The directory of the service's package, under its first name or the only one that looks like it."""
    name = str(manifest.answers["package_name"])
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
    now = _is(directory / "runtime", stat.S_IFDIR)
    before = _is(directory / "rpc.py", stat.S_IFREG) and _is(directory / "engine.py", stat.S_IFREG)
    return _is(directory, stat.S_IFDIR) and (now or before) and _is(directory / "contracts", stat.S_IFDIR)


_CHUNK = 1 << 16
_OPEN_ITSELF = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))


def _read(path: str | Path) -> bytes:
    """The content of a plain file."""
    descriptor, size = _opened(str(path), os.O_RDONLY)
    try:
        content = os.read(descriptor, size + 1)  # a second call for each of thousands of files would show
        while len(content) != size:
            more = os.read(descriptor, size + 1)
            if not more:
                break
            content += more
    finally:
        os.close(descriptor)
    return content


def _read_seen(path: str) -> bytes:
    """The content of what was seen to be a plain file. There may be thousands, and each call to the system shows."""
    descriptor = os.open(path, os.O_RDONLY | _OPEN_ITSELF)
    try:
        content = part = os.read(descriptor, _CHUNK)
        while len(part) == _CHUNK:
            part = os.read(descriptor, _CHUNK)
            content += part
    finally:
        os.close(descriptor)
    return content


def read_plain(path: Path) -> bytes:
    """The content of a plain file: no link is followed, no pipe waited for, no device read.

    Raises:
        OSError: it is no plain file, or cannot be read.
    """
    return _read(path)


def _open_itself(name: str, flags: int, mode: int = 0o600) -> int:
    """Open a plain file: no link is followed, and no pipe waited for."""
    return _opened(name, flags, mode)[0]


def _opened(name: str, flags: int, mode: int = 0o600) -> tuple[int, int]:
    """Open a plain file, with its size."""
    descriptor = os.open(name, flags | _OPEN_ITSELF, mode)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a plain file", name)
    return descriptor, status.st_size


def _lstat(path: Path) -> os.stat_result | None:
    """What is at *path* itself, a link or not; None: nothing."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is(path: Path, kind: int) -> bool:
    """Whether *path* is a file (or directory, as *kind* says) and no link. What cannot be looked at is not."""
    with contextlib.suppress(PermissionError):
        status = _lstat(path)
        return status is not None and stat.S_IFMT(status.st_mode) == kind
    return False


@dataclass(frozen=True, slots=True)
class _Step:
    """One change: the SHA-256 of what is at its path before and after it. None: nothing is there."""

    number: int
    path: PurePosixPath
    before: str | None
    after: str | None

    @property
    def old(self) -> str:
        return f"old-{self.number}"

    @property
    def new(self) -> str:
        return f"new-{self.number}"

    def check_staged(self, staging: Path) -> None:
        """See that this can be a step of the tool's own, and that what it would put into place is what it says.

        Raises:
            ValueError: somebody else wrote it.
        """
        str(self.path).encode()  # or it is no path that a plan has
        if self.path.parts[0] in {_STAGING, _KEPT}:
            raise ValueError(f"{self.path} is the tool's own")
        for name in (self.old, self.new):
            status = _lstat(staging / name)
            if status is not None and not stat.S_ISREG(status.st_mode):
                raise ValueError(f"{name} is not a plain file")
            # The old version is the file itself under a second name: its owner may have written to it since.
            if status is not None and name == self.new and fingerprint(_read(staging / name)) != self.after:
                raise ValueError(f"{name} is not what it was")


# Steps that somebody else's change stands in the way of, each with the path where the other version is kept.
_Left = Sequence[tuple[_Step, PurePosixPath | None]]


@dataclass(frozen=True, slots=True)
class _Journal:
    """The changes, in the order in which they are made, and the directories that are made for them, outermost first."""

    steps: tuple[_Step, ...]
    made: tuple[PurePosixPath, ...]

    def to_bytes(self, root: Path) -> bytes:
        steps = [{"path": str(step.path), "before": step.before, "after": step.after} for step in self.steps]
        content = {"changes": steps, "made": [str(path) for path in self.made]}
        return json.dumps({**content, "seal": trust.seal(_sealed_part(content), root)}).encode()

    @classmethod
    def read(cls, file: Path) -> _Journal:
        """Read a journal of this user.

        Raises:
            Untrusted: somebody else made it, or changed it.
            DiskError: it is damaged.
        """
        root = file.parent.parent
        try:
            data = json.loads(_read(file).decode())
            if not trust.is_sealed(_sealed_part(data), str(data["seal"]), root):
                raise _foreign(file.parent, f"{file.name} does not have the seal of your commands")
            steps = tuple(
                _Step(number, PurePosixPath(step["path"]), _hash(step["before"]), _hash(step["after"]))
                for number, step in enumerate(data["changes"])
            )
            is_new = any(step.path == MANIFEST and step.before is None for step in steps)
            package = None if is_new else _package_at(root)
            made = tuple(PurePosixPath(path) for path in data["made"])
            Plan(tuple(Delete(step.path, b"") for step in steps))  # it refuses paths that lead out
            if not {parent for step in steps for parent in step.path.parents[:-1]}.issuperset(made):
                raise ValueError("it makes directories that it does not need")
            for step in steps:
                if not _may_change(step.path, package):
                    raise ValueError(f"{step.path} is not the tool's to change")
                step.check_staged(file.parent)
        except (ValueError, KeyError, TypeError, RecursionError, PlanConflict) as error:
            raise DiskError(
                f"A command was killed, and its journal {file} is damaged ({error})",
                f"Restore the service's files (git status shows them), then remove {file.parent}.",
            ) from error
        return cls(steps, made)


def _sealed_part(content: Mapping[str, object]) -> bytes:
    """What the seal of a journal is of."""
    return json.dumps({"changes": content["changes"], "made": content["made"]}, sort_keys=True).encode()


def _foreign(staging: Path, why: str) -> Untrusted:
    return Untrusted(
        f"{staging} was not left by a command of yours: {why}. Nothing in it is carried out",
        f"See what it is and where it comes from (git log -- {_STAGING}), then remove it: rm -r {staging}",
    )


def _hash(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{value!r} is not a hash")
    return value


def _content(change: Create | Edit) -> bytes:
    return change.content if isinstance(change, Create) else change.after


def _check(root: Path, change: Change) -> None:
    """See that a change can be made. Nothing is written here."""
    path, target = change.path, root / change.path
    if path.parts[0] in {_STAGING, _KEPT}:
        raise PlanConflict(f"{path} is the tool's own", "This is a bug in the generator.")
    directory = root
    for parent in reversed(path.parents[:-1]):
        status = _lstat(root / parent)
        if status is None:
            break
        if not stat.S_ISDIR(status.st_mode):
            raise _in_the_way(parent, status)
        directory = root / parent
    if not os.access(directory, os.W_OK | os.X_OK):
        raise DiskError(f"{directory} is read-only", f"Give yourself write permission: chmod u+w {directory}")
    status = _lstat(target)
    if isinstance(change, Create):
        if status is not None:
            if stat.S_ISREG(status.st_mode):
                raise Changed(f"{path} is there already", _AGAIN)
            raise _in_the_way(path, status)
        return
    if status is None:
        raise Changed(f"{path} is gone", _AGAIN)
    if not stat.S_ISREG(status.st_mode):
        raise _in_the_way(path, status)
    if _read(target) != change.before:
        raise Changed(f"{path} changed since it was read", _AGAIN)
    if not os.access(target, os.W_OK):
        raise DiskError(f"{path} is read-only", f"Give yourself write permission: chmod u+w {target}")


def _in_the_way(path: PurePosixPath, status: os.stat_result) -> DiskError:
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        return DiskError(
            f"{path} is a symbolic link, which could lead out of the service",
            "Put there what it points to, then run the command again.",
        )
    kind = "a directory" if stat.S_ISDIR(mode) else "a file" if stat.S_ISREG(mode) else "a special file"
    return DiskError(f"{path} is {kind}", "Move it away, then run the command again.")


@contextlib.contextmanager
def _exclusively(root: Path) -> Iterator[Path]:
    """Hold the staging directory, empty but for its lock: what a killed command left is settled first.

    It is removed at the end, unless there is a journal in it: then the next command has something to settle.
    """
    staging = root / _STAGING
    with _hold(staging) as lock:
        try:
            _settle(root, staging)
            yield staging
        finally:
            with _uninterrupted():
                _leave(staging, lock)


def _hold(staging: Path) -> IO[bytes]:
    """Make the staging directory if it is not there, and take its lock.

    Whoever held it may remove both at any moment. Then the lock that was taken is not the one that is there, and
    everything starts again.
    """
    while True:
        lock: IO[bytes] | None = None
        try:
            found = False
            try:
                staging.mkdir(mode=0o700)
            except FileExistsError:
                found = True
            status = os.lstat(staging)
            if not stat.S_ISDIR(status.st_mode):
                raise DiskError(f"{staging} is not a directory", "Move it away, then run the command again.")
            if found and not trust.is_private(status):  # not every file system keeps the mode of one that was made
                raise _foreign(staging, "it belongs to another user, or others may write to it")
            lock = open(staging / _LOCK, "ab", opener=_open_itself)  # noqa: SIM115 (the caller closes it)
            if not _acquire(lock):
                raise Changed(
                    "Another resonate-scaffold command is changing this service",
                    "Wait for it, then run this one again.",
                )
            there = _lstat(staging / _LOCK)
            if there is not None and os.path.samestat(there, os.fstat(lock.fileno())):
                return lock
            lock.close()
        except FileNotFoundError:
            if not staging.parent.exists():
                raise
        except BaseException:
            if lock is not None:
                lock.close()
            with contextlib.suppress(OSError):
                staging.rmdir()  # if nothing is in it
            raise


def _leave(staging: Path, lock: IO[bytes]) -> None:
    """Remove the staging directory. Nothing depends on its success: the next command tries again."""
    with contextlib.suppress(OSError):
        if _lstat(staging / _JOURNAL) or _lstat(staging / _ROLLBACK):
            return
        _clear(staging)
        if sys.platform == "win32":
            lock.close()  # an open file cannot be removed there
        (staging / _LOCK).unlink()
        staging.rmdir()


def _clear(staging: Path) -> None:
    with os.scandir(staging) as entries:
        names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in names:
        if is_directory:
            shutil.rmtree(staging / name)
        elif name != _LOCK:
            (staging / name).unlink()


def _recover(root: Path) -> None:
    """Finish what a killed command left, or take it back."""
    try:
        with _exclusively(root):
            pass
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else str(root)
        raise DiskError(
            f"A command was killed here, and what it left cannot be settled: {where}: {error.strerror or error}",
            f"Check permissions and free space. To give up: restore the files with git, remove {root / _STAGING}.",
        ) from error


def _settle(root: Path, staging: Path) -> None:
    """Bring to its end what a killed command left, and empty the staging directory."""
    if is_unsettled(root) and git.tracks(root, _STAGING):
        raise _foreign(staging, "git tracks it")
    if _lstat(staging / _ROLLBACK):
        journal = _Journal.read(staging / _ROLLBACK)
        left = _roll_back(root, staging, journal.steps, journal.made)
        _sync_directories(root, journal.steps)
        (staging / _ROLLBACK).unlink()
        if left:
            raise _left_alone("A command that was killed is taken back now", left)
    elif _lstat(staging / _JOURNAL):
        journal = _Journal.read(staging / _JOURNAL)
        left = _roll_forward(root, staging, journal.steps)
        _sync_directories(root, journal.steps)
        _remove_emptied(root, journal.steps)
        (staging / _JOURNAL).unlink()
        if left:
            raise _left_alone("A command that was killed is finished now", left)
    _clear(staging)


def _left_alone(what: str, left: _Left) -> Changed:
    paths = ", ".join(str(step.path) for step, _ in left)
    kept = ", ".join(str(kept) for _, kept in left if kept)
    hint = f"Merge what you need from {kept}, and remove it." if kept else "Delete what you do not need."
    return Changed(f"{what}, but what somebody changed meanwhile is left as it was: {paths}", f"{hint} {_AGAIN}")


def _stage_changes(root: Path, staging: Path, plan: Plan) -> _Journal:
    """Put both versions of everything into *staging*."""
    steps = []
    made: dict[PurePosixPath, None] = {}
    for number, change in enumerate(plan.changes):
        _check(root, change)  # again, now that no other command can interfere
        before = None if isinstance(change, Create) else fingerprint(change.before)
        after = None if isinstance(change, Delete) else fingerprint(_content(change))
        step = _Step(number, change.path, before, after)
        steps.append(step)
        target = root / change.path
        if isinstance(change, Create):
            _write_file(staging / step.new, change.content, _mode(change), sync=True)
            for parent in reversed(change.path.parents[:-1]):
                if _lstat(root / parent) is None:
                    made[parent] = None
            continue
        _link(target, staging / step.old)
        if isinstance(change, Edit):
            _write_file(staging / step.new, change.after, 0o600, sync=True)
            (staging / step.new).chmod(stat.S_IMODE(os.lstat(target).st_mode))
    journal = _Journal(tuple(steps), tuple(made))
    _write_file(staging / _DRAFT, journal.to_bytes(root), 0o600, sync=True)
    return journal


def _carry_out(root: Path, staging: Path, journal: _Journal) -> None:
    """Make the staged changes. If anything raises, none of them."""
    reached: list[_Step] = []
    try:
        (staging / _DRAFT).rename(staging / _JOURNAL)
        _sync_directory(staging)
        _sync_directory(root)
        for step in journal.steps:
            if _now(root, step.path) != step.before:
                raise Changed(f"{step.path} changed while the command ran", _AGAIN)
            reached.append(step)
            _put(root, step.path, staging / step.new if step.after else None)
        _sync_directories(root, journal.steps)
        with _uninterrupted(), contextlib.suppress(OSError):
            _remove_emptied(root, journal.steps)
            (staging / _JOURNAL).unlink()
    except BaseException:
        with _uninterrupted():
            _take_back(root, staging, reached, journal.made)
        raise


def _take_back(root: Path, staging: Path, reached: Sequence[_Step], made: Sequence[PurePosixPath]) -> None:
    """Undo what `_carry_out` has done. Only what it has reached: elsewhere, others may write what they like."""
    try:
        if _lstat(staging / _JOURNAL) is None:
            return  # before it nothing is done, and after it everything is
        (staging / _JOURNAL).rename(staging / _ROLLBACK)
        left = _roll_back(root, staging, reached, made)
        _sync_directories(root, reached)
        (staging / _ROLLBACK).unlink()
    except OSError as error:
        raise DiskError(
            f"The change failed half way, and taking it back did too: {error.strerror or error}",
            f"See to the disk. The next resonate-scaffold command here settles it, with what is in {_STAGING}.",
        ) from error
    if left:
        raise _left_alone("The change failed and is taken back", left)


def _roll_forward(root: Path, staging: Path, steps: Sequence[_Step]) -> _Left:
    """Make the changes that are not made yet; give those that cannot be made.

    A new version that is not in *staging* any more has reached its place, whatever became of it there.
    """
    left: list[tuple[_Step, PurePosixPath | None]] = []
    for step in steps:
        if step.after is not None and _lstat(staging / step.new) is None:
            continue
        now = _now(root, step.path)
        if now == step.before:
            _put(root, step.path, staging / step.new if step.after else None)
        elif now != step.after:
            left.append((step, _keep(root, staging / step.new, step) if step.after else None))
    return left


def _roll_back(root: Path, staging: Path, steps: Sequence[_Step], made: Sequence[PurePosixPath]) -> _Left:
    """Undo the changes that are made; give those that cannot be undone.

    A new version that is still in *staging* never got anywhere, and an old one that is not has come back.
    """
    left: list[tuple[_Step, PurePosixPath | None]] = []
    for step in reversed(steps):
        if step.after is not None and _lstat(staging / step.new):
            continue
        if step.before is not None and _lstat(staging / step.old) is None:
            continue
        now = _now(root, step.path)
        if now == step.after:
            _put(root, step.path, staging / step.old if step.before else None)
        elif now != step.before:
            left.append((step, _keep(root, staging / step.old, step) if step.before else None))
    for directory in reversed(made):
        _remove_if_empty(root, directory)
    return left


def _now(root: Path, path: PurePosixPath) -> str | None:
    """The SHA-256 of the file at *path*; None if nothing is there; `_NO_FILE` for anything else.

    A file behind a link is something else.
    """
    for parent in reversed(path.parents[:-1]):
        status = _lstat(root / parent)
        if status is None:
            return None
        if not stat.S_ISDIR(status.st_mode):
            return _NO_FILE
    status = _lstat(root / path)
    if status is None:
        return None
    return fingerprint(_read(root / path)) if stat.S_ISREG(status.st_mode) else _NO_FILE


def _put(root: Path, path: PurePosixPath, staged: Path | None) -> None:
    """Move a staged file to its path, or, with None, remove what is there."""
    if staged is None:
        (root / path).unlink()
        return
    _make_directories(root, path)
    staged.replace(root / path)


def _make_directories(root: Path, path: PurePosixPath) -> None:
    for parent in reversed(path.parents[:-1]):
        if _lstat(root / parent) is None:
            (root / parent).mkdir()


def _keep(root: Path, staged: Path, step: _Step) -> PurePosixPath:
    """Keep a version for which there is no place, under the first name that is free, or has it already."""
    wanted = PurePosixPath(_KEPT) / step.path
    for parent in reversed(wanted.parents[:-1]):
        status = _lstat(root / parent)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            raise _in_the_way(parent, status)
    path = wanted
    for number in itertools.count(1):
        now = _now(root, path)
        if now is None:
            _make_directories(root, path)
            _link(staged, root / path)
            break
        if now == fingerprint(_read(staged)):
            break
        path = wanted.with_name(f"{wanted.name}.{number}")
    return path


def _remove_emptied(root: Path, steps: Sequence[_Step]) -> None:
    for step in steps:
        if step.after is None:
            for directory in step.path.parents[:-1]:
                _remove_if_empty(root, directory)


def _remove_if_empty(root: Path, path: PurePosixPath) -> None:
    """Remove a directory if it holds nothing but bytecode. One that cannot be removed does no harm."""
    if not all(_is(root / part, stat.S_IFDIR) for part in (path, *path.parents)):
        return
    directory = root / path
    with contextlib.suppress(OSError):
        with os.scandir(directory) as entries:
            inside = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
        if inside == {"__pycache__": True}:
            cache = directory / "__pycache__"
            with os.scandir(cache) as entries:
                compiled = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
            if all(is_file and name.endswith(".pyc") for name, is_file in compiled.items()):
                for name in compiled:
                    (cache / name).unlink()
                cache.rmdir()
        directory.rmdir()  # the system refuses if anything is in it


def _link(source: Path, target: Path) -> None:
    """Give a file a second name; where the file system cannot, copy it.

    With a name of its own it survives that another file takes its place, with its times, owner and all.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        _write_file(target, _read(source), 0o600, sync=True)
        target.chmod(stat.S_IMODE(os.lstat(source).st_mode))


def _sync_directories(root: Path, steps: Sequence[_Step]) -> None:
    """Make what happened in the directories of *steps* survive a power failure."""
    directories = {parent for step in steps for parent in step.path.parents}
    for directory in sorted(directories):
        if _lstat(root / directory):
            _sync_directory(root / directory)


def _sync_directory(directory: Path) -> None:
    if sys.platform == "win32":
        return  # a directory cannot be opened there
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # some file systems do not know it
            raise
    finally:
        os.close(descriptor)


def _write(tree: Path, change: object) -> None:
    if not isinstance(change, Create):
        raise PlanConflict(f"A new service has nothing to change: {change}", "This is a bug in the generator.")
    path = tree / change.path
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_file(path, change.content, _mode(change))


def _mode(change: Create) -> int:
    return 0o600 if change.private else 0o777 if change.executable else 0o666


def _write_file(path: Path, content: bytes, mode: int, sync: bool = False) -> None:
    """Write a new file; its mode is subject to the umask. With *sync* it also survives a power failure."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), mode)

    with open(path, "xb", opener=opener) as file:
        file.write(content)
        if sync:
            file.flush()
            os.fsync(file.fileno())


def _make_parents(directory: Path, made: list[Path]) -> None:
    """Make *directory* and what is missing above it, noting in *made* what was not there."""
    missing: list[Path] = []
    while not directory.exists():
        missing.append(directory)
        directory = directory.parent
    if not directory.is_dir():
        raise DiskError(f"{directory} is not a directory", "Choose another place with --into.")
    for path in reversed(missing):
        made.append(path)
        path.mkdir()


def _stage(target: Path) -> tuple[Path, IO[bytes]]:
    """Make the hidden sibling and hold its lock.

    A concurrent sweep may take a sibling for abandoned in the instant before its lock is held. Then it is
    gone, which shows, and another one is made.
    """
    while True:
        staging = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            staging.mkdir(mode=0o700)
            lock = (staging / _LOCK).open("xb")
            if _acquire(lock) and (staging / _LOCK).exists():
                return staging, lock
            lock.close()
        except FileNotFoundError:
            if not target.parent.exists():
                raise
        except BaseException:
            _discard(staging, None)
            raise


def _sweep(target: Path) -> None:
    """Remove the siblings that killed runs left, and nothing else: not a live run's, not what only looks
    alike.
    """
    pattern = re.compile(re.escape(f".{target.name}.") + "[0-9a-f]{8}")
    # What cannot be read or removed (another user's, or one that its own run is removing) does no harm where
    # it is.
    with contextlib.suppress(OSError):
        for entry in list(target.parent.iterdir()):
            if pattern.fullmatch(entry.name) and stat.S_ISDIR(entry.lstat().st_mode):
                with contextlib.suppress(OSError):
                    _sweep_one(entry)


def _sweep_one(entry: Path) -> None:
    content = {child.name for child in entry.iterdir()}
    if not content:
        entry.rmdir()
    elif _LOCK in content and content <= {_LOCK, _TREE}:
        with (entry / _LOCK).open("rb+") as lock:
            if _acquire(lock):
                _discard(entry, lock)


def _discard(staging: Path | None, lock: IO[bytes] | None) -> None:
    """Remove a sibling: the lock last, so that what is left if that fails can still be told for ours.

    Nothing depends on its success: the next run tries again.
    """
    if staging is None:
        return
    with contextlib.suppress(OSError):
        if (staging / _TREE).exists():
            shutil.rmtree(staging / _TREE, onexc=_make_writable)
        if lock is not None and sys.platform == "win32":
            lock.close()  # an open file cannot be removed there
        (staging / _LOCK).unlink(missing_ok=True)
        staging.rmdir()


def _make_writable(function: Callable[[str], object], path: str, error: BaseException) -> None:
    """Try again with write permission: git's objects have none, which stops Windows from removing them."""
    if not isinstance(error, PermissionError):
        raise error
    Path(path).chmod(stat.S_IWUSR | stat.S_IRUSR)
    function(path)


def _rename(tree: Path, target: Path) -> None:
    """Put the finished tree at its path in one step. It takes an empty directory's place, and never a full
    one's.
    """
    if sys.platform == "win32" and target.is_dir():
        target.rmdir()  # a rename replaces nothing there
    tree.rename(target)


if sys.platform == "win32":
    import msvcrt

    def _acquire(lock: IO[bytes]) -> bool:
        """Take the lock if nobody has it; the system releases it when this process ends, however it ends."""
        try:
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _acquire(lock: IO[bytes]) -> bool:
        """Take the lock if nobody has it; the system releases it when this process ends, however it ends."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Clean up to the end, also if the user presses Ctrl-C again."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals go to the main thread
        return
    signals = [signal.SIGINT, signal.SIGTERM]
    previous = [signal.signal(number, signal.SIG_IGN) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, previous, strict=True):
            signal.signal(number, handler)
