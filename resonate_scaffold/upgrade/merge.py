"""Merge two trees that come from a third one, by git's own merge: renames are followed, conflicts have markers.

It happens in a repository of its own, in a temporary directory: the user's repository is not touched, and neither its
hooks nor its settings take part.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from resonate_scaffold.errors import GitError

_FENCES = ("core.hooksPath=/dev/null", "core.attributesFile=/dev/null", "gc.auto=0", "merge.conflictStyle=merge")


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a service; ``executable`` are those that can be run."""

    files: Mapping[PurePosixPath, bytes]
    executable: frozenset[PurePosixPath] = frozenset()


@dataclass(frozen=True, slots=True)
class Conflict:
    """What could not be merged. ``reason`` is git's word for it, such as ``CONFLICT (modify/delete)``."""

    paths: tuple[PurePosixPath, ...]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Sides:
    """The contents of one path in conflict: in the base, the user's tree, and the new one; None where it is not."""

    base: bytes | None = None
    ours: bytes | None = None
    theirs: bytes | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge. ``files`` has markers where ``conflicts`` say so; ``sides`` has what git keeps of each such path."""

    tree: Tree
    conflicts: tuple[Conflict, ...] = ()
    sides: Mapping[PurePosixPath, Sides] = field(default_factory=dict)


def merge(base: Tree, ours: Tree, theirs: Tree, version: str) -> Merged:
    """Merge what changed from *base* to *ours* with what changed to *theirs*.

    ``version`` is what markers call their side; ours is `yours`.

    Raises:
        GitError: git is not there, is older than 2.38, or failed.
    """
    with tempfile.TemporaryDirectory(prefix="resonate-scaffold-") as name:
        repository = Path(name)
        _git(repository, "init", "--quiet", "--bare")
        _git(repository, "fast-import", "--quiet", stdin=_stream({"base": base, "yours": ours, version: theirs}))
        return _merge(repository, version)


def _stream(trees: Mapping[str, Tree]) -> bytes:
    """The trees as `git fast-import` reads them: the first is the parent of the others."""
    parts: list[bytes] = []
    parent = ""
    for name, tree in trees.items():
        who = "resonate-scaffold <resonate-scaffold@localhost> 0 +0000"
        parts.append(f"commit refs/heads/{name}\ncommitter {who}\ndata 0\n{parent}".encode())
        if parent:
            parts.append(b"deleteall\n")
        for path, content in tree.files.items():
            mode = 100755 if path in tree.executable else 100644
            # Quoted as C does it; a path is text, and no part of it is a NUL.
            quoted = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            parts.append(f'M {mode} inline "{quoted}"\ndata {len(content)}\n'.encode() + content + b"\n")
        parent = parent or f"from refs/heads/{name}\n"
    return b"".join(parts)


def _merge(repository: Path, version: str) -> Merged:
    said = _git(repository, "merge-tree", "--write-tree", "-z", "yours", version, allowed=(0, 1)).decode()
    tree, *rest = said.split("\0")
    stages: dict[PurePosixPath, dict[int, str]] = {}
    position = 0
    while position < len(rest) and rest[position]:  # `mode object stage<TAB>path`, up to an empty one.
        about, _, path = rest[position].partition("\t")
        _, blob, stage = about.split(" ")
        stages.setdefault(PurePosixPath(path), {})[int(stage)] = blob
        position += 1
    conflicts = _conflicts(rest[position + 1 :])
    listed = _git(repository, "ls-tree", "-r", "-z", tree).decode().split("\0")[:-1]
    blobs: dict[PurePosixPath, str] = {}
    executable = set()
    for line in listed:
        about, _, path = line.partition("\t")
        mode, _, blob = about.split(" ")
        blobs[PurePosixPath(path)] = blob
        if mode == "100755":
            executable.add(PurePosixPath(path))
    contents = _contents(repository, {*blobs.values(), *(blob for found in stages.values() for blob in found.values())})
    sides = {
        path: Sides(*(contents[found[stage]] if stage in found else None for stage in (1, 2, 3)))
        for path, found in stages.items()
    }
    files = {path: contents[blob] for path, blob in blobs.items()}
    return Merged(Tree(files, frozenset(executable)), conflicts, sides)


def _conflicts(messages: list[str]) -> tuple[Conflict, ...]:
    """Read what `merge-tree -z` says: number of paths, the paths, the kind, the message; again for each."""
    found = []
    position = 0
    while position < len(messages) and messages[position].isdecimal():
        number = int(messages[position])
        paths = tuple(map(PurePosixPath, messages[position + 1 : position + 1 + number]))
        kind, message = messages[position + 1 + number : position + 3 + number]
        if kind.startswith("CONFLICT"):
            found.append(Conflict(paths, kind, message.strip()))
        position += 3 + number
    return tuple(found)


def _contents(repository: Path, blobs: set[str]) -> dict[str, bytes]:
    """What blobs hold, by their ids: all by one process."""
    asked = sorted(blobs)
    answer = _git(repository, "cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in asked).encode())
    found = {}
    position = 0
    for blob in asked:
        end = answer.index(b"\n", position)
        size = int(answer[position:end].split()[2])
        found[blob] = answer[end + 1 : end + 1 + size]
        position = end + 1 + size + 1
    return found


def _git(repository: Path, *arguments: str, stdin: bytes = b"", allowed: tuple[int, ...] = (0,)) -> bytes:
    fences = [part for setting in _FENCES for part in ("-c", setting)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # Neither the user's settings nor the system's: a merge gives the same everywhere.
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_DIR": str(repository)}
    try:
        done = subprocess.run(["git", *fences, *arguments], input=stdin, capture_output=True, env=env, check=False)
    except OSError as error:
        raise GitError(f"Cannot run git: {error.strerror}", "Install git 2.38 or later.") from error
    if done.returncode not in allowed:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise GitError(f"git {arguments[0]} failed: {said[-1]}", "An upgrade needs git 2.38 or later: git --version")
    return done.stdout
