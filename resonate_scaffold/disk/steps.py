"""The single steps of a change: made, taken back, and settled where a command was killed."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from resonate_scaffold import systems
from resonate_scaffold.disk import journals, plain
from resonate_scaffold.errors import (
    Changed,
)
from resonate_scaffold.project import fingerprint

# Steps that somebody else's change stands in the way of, each with the path where the other version is kept.
LeftAlone = Sequence[tuple[journals.Step, PurePosixPath | None]]


def content_now(root: Path, path: PurePosixPath) -> str | None:
    """The SHA-256 of the file at *path*; None if nothing is there; `plain.NO_FILE` for anything else.

    A file behind a link is something else.
    """
    for parent in reversed(path.parents[:-1]):
        status = plain.lstat(root / parent)
        if status is None:
            return None
        if not stat.S_ISDIR(status.st_mode):
            return plain.NO_FILE
    status = plain.lstat(root / path)
    if status is None:
        return None
    return fingerprint(plain.read_file(root / path)) if stat.S_ISREG(status.st_mode) else plain.NO_FILE


def put(root: Path, path: PurePosixPath, staged: Path | None) -> None:
    """Move a staged file to its path, or, with None, remove what is there."""
    if staged is None:
        (root / path).unlink()
        return
    make_directories(root, path)
    systems.replace(staged, root / path)


def make_directories(root: Path, path: PurePosixPath) -> None:
    for parent in reversed(path.parents[:-1]):
        if plain.lstat(root / parent) is None:
            (root / parent).mkdir()


def keep(root: Path, staged: Path, step: journals.Step) -> PurePosixPath:
    """Keep a version for which there is no place, under the first name that is free, or has it already."""
    wanted = PurePosixPath(journals.KEPT) / step.path
    for parent in reversed(wanted.parents[:-1]):
        status = plain.lstat(root / parent)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            raise plain.in_the_way(parent, status)
    path = wanted
    for number in itertools.count(1):
        now = content_now(root, path)
        if now is None:
            make_directories(root, path)
            plain.link(staged, root / path)
            break
        if now == fingerprint(plain.read_file(staged)):
            break
        path = wanted.with_name(f"{wanted.name}.{number}")
    return path


def remove_emptied(root: Path, steps: Sequence[journals.Step]) -> None:
    for step in steps:
        if step.after is None:
            for directory in step.path.parents[:-1]:
                remove_if_empty(root, directory)


def remove_if_empty(root: Path, path: PurePosixPath) -> None:
    """Remove a directory if it holds nothing but bytecode. One that cannot be removed does no harm."""
    if not all(plain.is_kind(root / part, stat.S_IFDIR) for part in (path, *path.parents)):
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


def sync_directories(root: Path, steps: Sequence[journals.Step]) -> None:
    """Make what happened in the directories of *steps* survive a power failure."""
    directories = {parent for step in steps for parent in step.path.parents}
    for directory in sorted(directories):
        if plain.lstat(root / directory):
            systems.sync_directory(root / directory)


def roll_forward(root: Path, staging: Path, steps: Sequence[journals.Step]) -> LeftAlone:
    """Make the changes that are not made yet; give those that cannot be made.

    A new version that is not in *staging* any more has reached its place, whatever became of it there.
    """
    left: list[tuple[journals.Step, PurePosixPath | None]] = []
    for step in steps:
        if step.after is not None and plain.lstat(staging / step.new) is None:
            continue
        now = content_now(root, step.path)
        if now == step.before:
            put(root, step.path, staging / step.new if step.after else None)
        elif now != step.after:
            left.append((step, keep(root, staging / step.new, step) if step.after else None))
    return left


def roll_back(root: Path, staging: Path, steps: Sequence[journals.Step], made: Sequence[PurePosixPath]) -> LeftAlone:
    """Undo the changes that are made; give those that cannot be undone.

    A new version that is still in *staging* never got anywhere, and an old one that is not has come back.
    """
    left: list[tuple[journals.Step, PurePosixPath | None]] = []
    for step in reversed(steps):
        if step.after is not None and plain.lstat(staging / step.new):
            continue
        if step.before is not None and plain.lstat(staging / step.old) is None:
            continue
        now = content_now(root, step.path)
        if now == step.after:
            put(root, step.path, staging / step.old if step.before else None)
        elif now != step.before:
            left.append((step, keep(root, staging / step.old, step) if step.before else None))
    for directory in reversed(made):
        remove_if_empty(root, directory)
    return left


def left_alone(what: str, left: LeftAlone) -> Changed:
    paths = ", ".join(str(step.path) for step, _ in left)
    kept = ", ".join(str(kept) for _, kept in left if kept)
    hint = f"Merge what you need from {kept}, and remove it." if kept else "Delete what you do not need."
    return Changed(f"{what}, but what somebody changed meanwhile is left as it was: {paths}", f"{hint} {plain.AGAIN}")
