"""A change of a service on a disk: all of it or nothing, also when the command is killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from resonate_scaffold import git, systems
from resonate_scaffold.disk import files, journals, plain, steps
from resonate_scaffold.errors import (
    Changed,
    DiskError,
    PlanConflict,
)
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import ADDS, Project, fingerprint

_DRAFT = "journal.tmp"


def apply(root: Path, plan: Plan, project: Project | None = None, *, whole: bool = False) -> None:
    """Carry out *plan* on the service at *root*, or leave everything as it was.

    Edited files keep their mode. Directories are made where they are missing, and removed where a deleted file was the
    last thing in them; bytecode does not count, and a directory that cannot be removed stays.

    Args:
        root: as `discover.discover` returned it.
        project: what the plan was made of. Two plans may touch different files and yet need one another.
        whole: the plan may change any file of the service, and not only what generators may: an upgrade.

    Raises:
        Changed: a file is not what the plan was made for, another command is changing the service, or one has added or
            removed something since *project* was read.
        DiskError: a path leads through a link or is no file, or the operating system refused.
    """
    if not plan.changes:
        return
    try:
        if not plain.is_kind(root, stat.S_IFDIR):
            raise Changed(f"{root} is gone", "See where the service is now, and run the command there.")
        package = None if whole else files.package_at(root)
        for change in plan.changes:
            if not files.may_change(change.path, package):
                raise PlanConflict(f"{change.path} is not the tool's to change", "This is a bug in the generator.")
            _check(root, change)
        with _exclusively(root) as staging:
            if project is not None and project.records != files.FilesOnDisk(root, project.package).children(ADDS):
                raise Changed("Another command has changed this service meanwhile", plain.AGAIN)
            journal = _stage_changes(root, staging, plan, whole=whole)
            _carry_out(root, staging, journal)
    except OSError as error:
        raise DiskError.of(error, root) from error


def is_unsettled(root: Path) -> bool:
    """Whether a command is changing the service at this moment, or was killed while it did, or it looks so."""
    return any(plain.lstat(root / journals.STAGING / name) for name in (journals.JOURNAL, journals.ROLLBACK))


def content_of(change: Create | Edit) -> bytes:
    return change.content if isinstance(change, Create) else change.after


def _check(root: Path, change: Change) -> None:
    """See that a change can be made. Nothing is written here."""
    path, target = change.path, root / change.path
    if path.parts[0] in {journals.STAGING, journals.KEPT}:
        raise PlanConflict(f"{path} is the tool's own", "This is a bug in the generator.")
    directory = root
    for parent in reversed(path.parents[:-1]):
        status = plain.lstat(root / parent)
        if status is None:
            break
        if not stat.S_ISDIR(status.st_mode):
            raise plain.in_the_way(parent, status)
        directory = root / parent
    if not os.access(directory, os.W_OK | os.X_OK):
        raise DiskError(f"{directory} is read-only", f"Give yourself write permission: chmod u+w {directory}")
    status = plain.lstat(target)
    if isinstance(change, Create):
        if status is not None:
            if stat.S_ISREG(status.st_mode):
                raise Changed(f"{path} is there already", plain.AGAIN)
            raise plain.in_the_way(path, status)
        return
    if status is None:
        raise Changed(f"{path} is gone", plain.AGAIN)
    if not stat.S_ISREG(status.st_mode):
        raise plain.in_the_way(path, status)
    if plain.read_file(target) != change.before:
        raise Changed(f"{path} changed since it was read", plain.AGAIN)
    if not os.access(target, os.W_OK):
        raise DiskError(f"{path} is read-only", f"Give yourself write permission: chmod u+w {target}")


@contextlib.contextmanager
def _exclusively(root: Path) -> Iterator[Path]:
    """Hold the staging directory, empty but for its lock: what a killed command left is settled first.

    It is removed at the end, unless there is a journal in it: then the next command has something to settle.
    """
    staging = root / journals.STAGING
    with _hold(staging) as lock:
        try:
            _settle(root, staging)
            yield staging
        finally:
            with plain.uninterrupted():
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
            if found and not systems.is_private(status):  # not every file system keeps the mode of one that was made
                raise journals.untrusted(staging, "it belongs to another user, or others may write to it")
            lock = open(staging / plain.LOCK, "ab", opener=plain.open_itself)  # noqa: SIM115 (the caller closes it)
            if not systems.lock(lock):
                raise Changed(
                    "Another resonate-scaffold command is changing this service",
                    "Wait for it, then run this one again.",
                )
            there = plain.lstat(staging / plain.LOCK)
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
        if plain.lstat(staging / journals.JOURNAL) or plain.lstat(staging / journals.ROLLBACK):
            return
        _clear(staging)
        systems.close_to_remove(lock)
        (staging / plain.LOCK).unlink()
        staging.rmdir()


def _clear(staging: Path) -> None:
    with os.scandir(staging) as entries:
        names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in names:
        if is_directory:
            shutil.rmtree(staging / name)
        elif name != plain.LOCK:
            (staging / name).unlink()


def recover(root: Path) -> None:
    """Finish what a killed command left, or take it back."""
    try:
        with _exclusively(root):
            pass
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else str(root)
        raise DiskError(
            f"A command was killed here, and what it left cannot be settled: {where}: {error.strerror or error}",
            "Check permissions and free space. "
            f"To give up: restore the files with git, remove {root / journals.STAGING}.",
        ) from error


def _settle(root: Path, staging: Path) -> None:
    """Bring to its end what a killed command left, and empty the staging directory."""
    if is_unsettled(root) and git.tracks(root, journals.STAGING):
        raise journals.untrusted(staging, "git tracks it")
    if plain.lstat(staging / journals.ROLLBACK):
        journal = journals.Journal.read(staging / journals.ROLLBACK)
        left = steps.roll_back(root, staging, journal.steps, journal.made)
        steps.sync_directories(root, journal.steps)
        (staging / journals.ROLLBACK).unlink()
        if left:
            raise steps.left_alone("A command that was killed is taken back now", left)
    elif plain.lstat(staging / journals.JOURNAL):
        journal = journals.Journal.read(staging / journals.JOURNAL)
        left = steps.roll_forward(root, staging, journal.steps)
        steps.sync_directories(root, journal.steps)
        steps.remove_emptied(root, journal.steps)
        (staging / journals.JOURNAL).unlink()
        if left:
            raise steps.left_alone("A command that was killed is finished now", left)
    _clear(staging)


def _stage_changes(root: Path, staging: Path, plan: Plan, *, whole: bool) -> journals.Journal:
    """Put both versions of everything into *staging*."""
    steps = []
    made: dict[PurePosixPath, None] = {}
    for number, change in enumerate(plan.changes):
        _check(root, change)  # again, now that no other command can interfere
        before = None if isinstance(change, Create) else fingerprint(change.before)
        after = None if isinstance(change, Delete) else fingerprint(content_of(change))
        step = journals.Step(number, change.path, before, after)
        steps.append(step)
        target = root / change.path
        if isinstance(change, Create):
            plain.write_file(staging / step.new, change.content, plain.mode_of(change), sync=True)
            for parent in reversed(change.path.parents[:-1]):
                if plain.lstat(root / parent) is None:
                    made[parent] = None
            continue
        plain.link(target, staging / step.old)
        if isinstance(change, Edit):
            plain.write_file(staging / step.new, change.after, 0o600, sync=True)
            (staging / step.new).chmod(stat.S_IMODE(os.lstat(target).st_mode))
    journal = journals.Journal(tuple(steps), tuple(made), whole)
    plain.write_file(staging / _DRAFT, journal.to_bytes(root), 0o600, sync=True)
    return journal


def _carry_out(root: Path, staging: Path, journal: journals.Journal) -> None:
    """Make the staged changes. If anything raises, none of them."""
    reached: list[journals.Step] = []
    try:
        (staging / _DRAFT).rename(staging / journals.JOURNAL)
        systems.sync_directory(staging)
        systems.sync_directory(root)
        for step in journal.steps:
            if steps.content_now(root, step.path) != step.before:
                raise Changed(f"{step.path} changed while the command ran", plain.AGAIN)
            reached.append(step)
            steps.put(root, step.path, staging / step.new if step.after else None)
        steps.sync_directories(root, journal.steps)
        with plain.uninterrupted(), contextlib.suppress(OSError):
            steps.remove_emptied(root, journal.steps)
            (staging / journals.JOURNAL).unlink()
    except BaseException:
        with plain.uninterrupted():
            _take_back(root, staging, reached, journal.made)
        raise


def _take_back(root: Path, staging: Path, reached: Sequence[journals.Step], made: Sequence[PurePosixPath]) -> None:
    """Undo what `_carry_out` has done. Only what it has reached: elsewhere, others may write what they like."""
    try:
        if plain.lstat(staging / journals.JOURNAL) is None:
            return  # before it nothing is done, and after it everything is
        (staging / journals.JOURNAL).rename(staging / journals.ROLLBACK)
        left = steps.roll_back(root, staging, reached, made)
        steps.sync_directories(root, reached)
        (staging / journals.ROLLBACK).unlink()
    except OSError as error:
        raise DiskError(
            f"The change failed half way, and taking it back did too: {error.strerror or error}",
            f"See to the disk. The next resonate-scaffold command here settles it, with what is in {journals.STAGING}.",
        ) from error
    if left:
        raise steps.left_alone("The change failed and is taken back", left)
