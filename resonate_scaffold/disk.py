"""The only module that writes a user's project.

A new service is made whole in a hidden sibling of its target and then renamed once, so that at every moment
there is either all of it at its path or nothing:

    .NAME.1a2b3c4d/             private (0700), removed at the end
        .resonate-scaffold.lock held while the command lives; the system lets go of it when the command dies
        tree/                   becomes NAME

Only a kill leaves the sibling behind. The next ``new`` of that name removes it, if it has the shape above
and nobody holds its lock.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from resonate_scaffold.errors import DiskError, PlanConflict, TargetExists
from resonate_scaffold.plan import Create, Plan

_LOCK = ".resonate-scaffold.lock"
_TREE = "tree"


def check_target(target: Path) -> None:
    """See that a service can be made at *target*: nothing is there, or an empty directory.

    Raises:
        TargetExists: something else is there.
        DiskError: what is there cannot be looked at.
    """
    try:
        if target.is_symlink():
            raise TargetExists(f"{target} is a symbolic link", "Choose another name, or another place with --into.")
        if target.is_dir():
            if next(target.iterdir(), None) is not None:
                raise TargetExists(
                    f"{target} exists and is not empty", "Choose another name, or another place with --into."
                )
        elif target.exists():
            raise TargetExists(f"{target} is a file", "Choose another name, or another place with --into.")
    except OSError as error:
        raise DiskError.of(error, target) from error


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


def _write(tree: Path, change: object) -> None:
    if not isinstance(change, Create):
        raise PlanConflict(f"A new service has nothing to change: {change}", "This is a bug in the generator.")
    path = tree / change.path
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o600 if change.private else 0o777 if change.executable else 0o666

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), mode)

    with open(path, "xb", opener=opener) as file:
        file.write(change.content)


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
