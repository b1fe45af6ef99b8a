"""Look again at the files that git leaves in conflict: many of them are none where more is known than lines.

Python is merged by its statements, see :mod:`.structure`. Other files are merged by lines that need not have an
unchanged one between them. Where the result is not certain, git's conflict stays.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import PurePosixPath

from resonate_scaffold.upgrade.lines import merge_lines
from resonate_scaffold.upgrade.merge import Merged, Sides
from resonate_scaffold.upgrade.repository import Tree
from resonate_scaffold.upgrade.structure import MergedText, merge_modules

_MARKER = "<<<<<<< yours"
_READERS: Mapping[str, Callable[[str], object]] = {".json": json.loads, ".toml": tomllib.loads}


def resolve(merged: Merged, version: str, prepared: Callable[[PurePosixPath, bytes], bytes]) -> Merged:
    """Merge the files that are in conflict once more.

    Args:
        prepared: gives a Python file of the base or of ours as the new version would write it.
    """
    times = Counter(path for conflict in merged.conflicts for path in conflict.paths)
    files, done = dict(merged.tree.files), set[PurePosixPath]()
    for conflict in merged.conflicts:
        path = conflict.paths[0]
        if conflict.reason != "CONFLICT (contents)" or times[path] > 1 or path not in merged.sides:
            continue
        found = _merged(path, merged.sides[path], version, prepared)
        if found is None or found.conflicts > files[path].decode(errors="replace").count(_MARKER):
            continue
        files[path] = found.text.encode()
        if not found.conflicts:
            done.add(path)
    return Merged(
        Tree(files, merged.tree.executable),
        tuple(conflict for conflict in merged.conflicts if conflict.paths[0] not in done),
        {path: it for path, it in merged.sides.items() if path not in done},
    )


def _merged(
    path: PurePosixPath, sides: Sides, version: str, prepared: Callable[[PurePosixPath, bytes], bytes]
) -> MergedText | None:
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
