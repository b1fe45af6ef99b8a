"""Look again at a merge that git made by lines: many conflicts are none where more is known than lines.

Python is merged by its statements, see :mod:`.structure`. Other files are merged by lines that need not have an
unchanged one between them. Where the result is not certain, git's stays. The other way round, a file that git merged
without a conflict may use a name that the new version imports no more: it is merged by its statements as well.
"""

from __future__ import annotations

import ast
import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import PurePosixPath

from resonate_scaffold.upgrade.imports import names_of
from resonate_scaffold.upgrade.lines import merge_lines
from resonate_scaffold.upgrade.merge import Merged, Sides
from resonate_scaffold.upgrade.repository import Tree
from resonate_scaffold.upgrade.structure import MergedText, merge_modules

_MARKER = "<<<<<<< yours"
_READERS: Mapping[str, Callable[[str], object]] = {".json": json.loads, ".toml": tomllib.loads}

type Prepared = Callable[[PurePosixPath, bytes], bytes]
"""Gives a Python file of the base or of ours as the new version would write it."""


def resolve(merged: Merged, base: Tree, ours: Tree, theirs: Tree, version: str, prepared: Prepared) -> Merged:
    """What *merged* is where files are looked at again. ``version`` is what markers call theirs."""
    files, done = dict(merged.tree.files), set[PurePosixPath]()
    for path, sides in _in_conflict(merged):
        found = _merged(path, sides, version, prepared)
        if found is None or found.conflicts > files[path].decode(errors="replace").count(_MARKER):
            continue
        files[path] = found.text.encode()
        if not found.conflicts:
            done.add(path)
    for path, sides in _changed_by_both(merged, base, ours, theirs):
        found = _merged(path, sides, version, prepared) if _lacks_names(files[path], sides) else None
        if found is not None and not found.conflicts:
            files[path] = found.text.encode()
    return Merged(
        Tree(files, merged.tree.executable),
        tuple(conflict for conflict in merged.conflicts if conflict.paths[0] not in done),
        {path: it for path, it in merged.sides.items() if path not in done},
    )


def keep_deleted(merged: Merged) -> tuple[Merged, tuple[PurePosixPath, ...]]:
    """A merge in which files that we deleted stay so where the new version has changed them; and which these are."""
    times = Counter(path for conflict in merged.conflicts for path in conflict.paths)
    gone = {
        path
        for conflict in merged.conflicts
        for path, sides in ((it, merged.sides.get(it, Sides())) for it in conflict.paths)
        if conflict.reason == "CONFLICT (modify/delete)" and times[path] == 1
        if None not in (sides.base, sides.theirs) and sides.ours is None
    }
    files = {path: it for path, it in merged.tree.files.items() if path not in gone}
    left = Merged(
        Tree(files, merged.tree.executable),
        tuple(it for it in merged.conflicts if gone.isdisjoint(it.paths)),
        {path: it for path, it in merged.sides.items() if path not in gone},
    )
    return left, tuple(sorted(gone))


def _in_conflict(merged: Merged) -> Iterator[tuple[PurePosixPath, Sides]]:
    """The files whose one conflict is that both sides changed them."""
    times = Counter(path for conflict in merged.conflicts for path in conflict.paths)
    for conflict in merged.conflicts:
        path = conflict.paths[0]
        if conflict.reason == "CONFLICT (contents)" and times[path] == 1 and path in merged.sides:
            yield path, merged.sides[path]


def _changed_by_both(merged: Merged, base: Tree, ours: Tree, theirs: Tree) -> Iterator[tuple[PurePosixPath, Sides]]:
    """The modules that both sides changed and git merged."""
    for path in merged.tree.files:
        before, mine, new = (tree.files.get(path) for tree in (base, ours, theirs))
        are_there = path.suffix == ".py" and path not in merged.sides and None not in (before, mine, new)
        if are_there and before not in (mine, new) and mine != new:
            yield path, Sides(before, mine, new)


def _lacks_names(content: bytes, sides: Sides) -> bool:
    """Whether a module reads a name that nothing in it gives a value, and neither side does."""
    try:
        found, mine, new = (names_of(ast.parse(it or b"")) for it in (content, sides.ours, sides.theirs))
    except (ValueError, SyntaxError):
        return False
    return bool(found.missing - mine.missing - new.missing)


def _merged(path: PurePosixPath, sides: Sides, version: str, prepared: Prepared) -> MergedText | None:
    if sides.base is None or sides.ours is None or sides.theirs is None:
        return None
    with suppress(UnicodeDecodeError):
        if path.suffix == ".py":
            base, ours = prepared(path, sides.base).decode(), prepared(path, sides.ours).decode()
            return merge_modules(base, ours, sides.theirs.decode(), version)
        # Two comments at one place do not gainsay each other.
        comment = "" if path.suffix == ".md" else "#"
        text = merge_lines(sides.base.decode(), sides.ours.decode(), sides.theirs.decode(), comment)
        if text is not None and _is_readable(path, text):
            return MergedText(text, 0)
    return None


def _is_readable(path: PurePosixPath, text: str) -> bool:
    """Whether a program can read a file of a kind that is known."""
    reader = _READERS.get(path.suffix)
    if reader is None:
        return True
    try:
        reader(text)
    except ValueError:
        return False
    return True
