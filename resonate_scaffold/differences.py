"""What an edit of a file has changed."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache

Steps = tuple[tuple[int, int, str], ...]
"""Byte offset, byte length, and the text to put there instead, in the order in which they are applied."""


@lru_cache(maxsize=16)  # a plan asks for what its layout has asked for, and a list may have thousands of lines
def differences(before: bytes, after: bytes) -> Steps:
    """The steps that make *before* of *after*, each of whole lines.

    None at all where what was there is no text.
    """
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    alike = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), None)
    if alike is None:
        alike = min(len(old), len(new))
    offset = len(b"".join(old[:alike]))
    old, new = old[alike:], new[alike:]
    steps: list[tuple[int, int, str]] = []
    for kind, first, last, start, stop in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        size = len(b"".join(new[start:stop]))
        if kind != "equal":
            try:
                steps.append((offset, size, b"".join(old[first:last]).decode()))
            except UnicodeDecodeError:
                return ()
        offset += size
    return tuple(reversed(steps))  # from the end, so that no step moves the place of the next
