"""Merge two trees that come from a third one, by git's own merge: renames are followed, conflicts have markers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from resonate_scaffold.upgrade.repository import Commit, Repository, Tree, temporary_repository


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
    before, yours, new = (f"refs/heads/{name}" for name in ("base", "yours", version))
    with temporary_repository() as repository:
        repository.put([Commit(before, base), Commit(yours, ours, before), Commit(new, theirs, before)])
        return _merge(repository, version)


def _merge(repository: Repository, version: str) -> Merged:
    said = repository.git("merge-tree", "--write-tree", "-z", "yours", version, allowed=(0, 1)).decode()
    tree, *rest = said.split("\0")
    stages: dict[PurePosixPath, dict[int, str]] = {}
    position = 0
    while position < len(rest) and rest[position]:  # `mode object stage<TAB>path`, up to an empty one.
        about, _, path = rest[position].partition("\t")
        _, blob, stage = about.split(" ")
        stages.setdefault(PurePosixPath(path), {})[int(stage)] = blob
        position += 1
    conflicts = _conflicts(rest[position + 1 :])
    listed = repository.git("ls-tree", "-r", "-z", tree).decode().split("\0")[:-1]
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


def _contents(repository: Repository, blobs: set[str]) -> dict[str, bytes]:
    """What blobs hold, by their ids: all by one process."""
    asked = sorted(blobs)
    answer = repository.git("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in asked).encode())
    found = {}
    position = 0
    for blob in asked:
        end = answer.index(b"\n", position)
        size = int(answer[position:end].split()[2])
        found[blob] = answer[end + 1 : end + 1 + size]
        position = end + 1 + size + 1
    return found
