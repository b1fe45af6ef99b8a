"""A new service on a disk: made beside its place, and renamed into it."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO

from resonate_scaffold import systems
from resonate_scaffold.disk import journals, plain
from resonate_scaffold.errors import (
    DiskError,
    PlanConflict,
    TargetExists,
)
from resonate_scaffold.plan import Create, Plan

_TREE = "tree"
_GIT = ".git"


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
            if names - {_GIT, journals.STAGING} or (names and _GIT not in names):
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
            systems.put_directory(tree, target)
        except BaseException as error:
            with plain.uninterrupted():
                _discard(staging, lock)
                # Only those that are empty again: somebody else may have put something there.
                for directory in reversed(made):
                    with contextlib.suppress(OSError):
                        directory.rmdir()
            if isinstance(error, OSError):
                raise DiskError.of(error, target) from error
            raise
        with plain.uninterrupted():
            _discard(staging, lock)


def _write(tree: Path, change: object) -> None:
    if not isinstance(change, Create):
        raise PlanConflict(f"A new service has nothing to change: {change}", "This is a bug in the generator.")
    path = tree / change.path
    path.parent.mkdir(parents=True, exist_ok=True)
    plain.write_file(path, change.content, plain.mode_of(change))


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
            lock = (staging / plain.LOCK).open("xb")
            if systems.lock(lock) and (staging / plain.LOCK).exists():
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
    elif plain.LOCK in content and content <= {plain.LOCK, _TREE}:
        with (entry / plain.LOCK).open("rb+") as lock:
            if systems.lock(lock):
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
        if lock is not None:
            systems.close_to_remove(lock)
        (staging / plain.LOCK).unlink(missing_ok=True)
        staging.rmdir()


def _make_writable(function: Callable[[str], object], path: str, error: BaseException) -> None:
    """Try again with write permission: git's objects have none, which stops Windows from removing them."""
    if not isinstance(error, PermissionError):
        raise error
    Path(path).chmod(stat.S_IWUSR | stat.S_IRUSR)
    function(path)
