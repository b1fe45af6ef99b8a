"""A plan: what a command will change, as a value.

Generators return one, the preview prints it, ``disk`` carries it out. Nothing here touches a disk.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from typing import Literal

from resonate_scaffold.errors import PlanConflict

Action = Literal["create", "edit", "delete"]
_ALIKE = 0.5  # of two files' lines, as much as git asks for


@dataclass(frozen=True, slots=True)
class Create:
    """Write a file that is not there yet.

    ``private`` files (secrets) can be read by their owner only, and no preview shows their content.
    """

    path: PurePosixPath
    content: bytes
    executable: bool = False
    private: bool = False

    @property
    def action(self) -> Action:
        return "create"


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the content of a file, provided that it is still ``before``."""

    path: PurePosixPath
    before: bytes
    after: bytes

    @property
    def action(self) -> Action:
        return "edit"


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a file, provided that it is still ``before``."""

    path: PurePosixPath
    before: bytes

    @property
    def action(self) -> Action:
        return "delete"


Change = Create | Edit | Delete


@dataclass(frozen=True, slots=True)
class Plan:
    """An ordered set of changes under one root, and what the user should know about them.

    Raises:
        PlanConflict: a path leaves the root, enters ``.git``, is named twice (also if only the case differs: not
            every file system tells that apart), or is a file and a directory at once.
    """

    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen: dict[str, PurePosixPath] = {}
        for change in self.changes:
            _check_inside(change.path)
            key = str(change.path).casefold()
            if key in seen:
                raise PlanConflict(
                    f"{change.path} is written twice (as {seen[key]} before)",
                    "The template must make every file once.",
                )
            seen[key] = change.path
        for path in seen.values():
            for parent in path.parents:
                if str(parent).casefold() in seen:
                    raise PlanConflict(
                        f"{parent} is a file, and the directory of {path}",
                        "The template must choose one of them.",
                    )

    def then(self, later: Plan) -> Plan:
        """This plan and one that was made for what it leaves, as one."""
        changes = {change.path: change for change in self.changes}
        for change in later.changes:
            earlier = changes.get(change.path)
            match earlier, change:
                case Create(), Edit():
                    changes[change.path] = replace(earlier, content=change.after)
                case Edit(), Edit():
                    changes[change.path] = Edit(change.path, earlier.before, change.after)
                case Delete(), Create():
                    changes[change.path] = Edit(change.path, earlier.before, change.content)
                case None, _:
                    changes[change.path] = change
                case _:
                    raise PlanConflict(f"{change.path} is changed twice", "This is a bug in the generator.")
        return Plan(tuple(sorted(changes.values(), key=lambda change: change.path)), self.notes + later.notes)


def unified_diff(plan: Plan) -> Iterator[str]:
    """Yield the plan as the lines of a unified diff, without line ends; the tool's own records come last.

    A file that is deleted, and made elsewhere much as it was, is shown as git shows one that was renamed.
    """
    moves = _moves(plan)
    for change in sorted(plan.changes, key=lambda change: change.path.parts[0].startswith(".resonate-scaffold")):
        match change:
            case Delete() if change in moves.values():
                pass
            case Create() if change.path in moves:
                old = moves[change.path]
                yield f"diff --git a/{old.path} b/{change.path}"
                yield from (f"rename from {old.path}", f"rename to {change.path}")
                yield from _file_diff(old.path, change.path, old.before, change.content)
            case Create(private=True):
                yield f"New file {change.path} (not shown: it holds secrets)"
            case Create():
                yield from _file_diff(None, change.path, b"", change.content)
            case Edit():
                yield from _file_diff(change.path, change.path, change.before, change.after)
            case Delete():
                yield from _file_diff(change.path, None, change.before, b"")


def _moves(plan: Plan) -> dict[PurePosixPath, Delete]:
    """Which files are deleted ones under another name, by their new paths."""
    deleted = [(it, lines := it.before.splitlines(), Counter(lines)) for it in plan.changes if isinstance(it, Delete)]
    moves: dict[PurePosixPath, Delete] = {}
    for change in plan.changes:
        if not isinstance(change, Create) or change.private or not deleted:
            continue
        new = change.content.splitlines()
        counted = Counter(new)
        ratio, nearest = _ALIKE, None
        for candidate in deleted:
            _, old, count = candidate
            wanted = ratio * (len(old) + len(new)) / 2  # lines that both have
            # To look for the best order takes long: first see that there are lines enough, and equal ones enough.
            if min(len(old), len(new)) > wanted and (count & counted).total() > wanted:
                found = SequenceMatcher(None, old, new).ratio()
                if found > ratio:
                    ratio, nearest = found, candidate
        if nearest is not None:
            moves[change.path] = nearest[0]
            deleted.remove(nearest)
    return moves


def _check_inside(path: PurePosixPath) -> None:
    text = str(path)
    if path.is_absolute() or not path.parts or any(c in text for c in "\\:\0") or ".." in path.parts:
        raise PlanConflict(f'"{path}" is not a path inside the project', "The template must stay in its own tree.")
    if any(part.casefold() == ".git" for part in path.parts):
        raise PlanConflict(f'"{path}" belongs to git', "The template must leave .git alone.")


def _file_diff(old: PurePosixPath | None, new: PurePosixPath | None, before: bytes, after: bytes) -> Iterator[str]:
    old_label = f"a/{old}" if old else "/dev/null"
    new_label = f"b/{new}" if new else "/dev/null"
    try:
        before_lines, after_lines = _lines(before), _lines(after)
    except UnicodeDecodeError:
        yield f"Binary files {old_label} and {new_label} differ"
        return
    lines = difflib.unified_diff(before_lines, after_lines, old_label, new_label, lineterm="")
    for number, line in enumerate(lines):
        yield line.removesuffix("\n")
        header = number < 2 or line.startswith("@@")
        if not header and not line.endswith("\n"):
            yield "\\ No newline at end of file"


def _lines(content: bytes) -> list[str]:
    """Split after ``\\n`` only: a carriage return belongs to its line, and a change of it is a change."""
    return re.findall(r"[^\n]*\n|[^\n]+", content.decode())
