"""The steps that take an edit of a file back."""

from __future__ import annotations

from difflib import SequenceMatcher

Undo = tuple[tuple[int, int, str], ...]
"""Byte offset, byte length, and the text to put there instead, in the order in which they are applied."""


def differences(before: bytes, after: bytes) -> Undo:
    """The steps by which :func:`restore` makes *before* of *after*, each of whole lines.

    None at all where what was there is no text.
    """
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    steps: list[tuple[int, int, str]] = []
    offset = 0
    for kind, first, last, start, stop in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        size = len(b"".join(new[start:stop]))
        if kind != "equal":
            try:
                steps.append((offset, size, b"".join(old[first:last]).decode()))
            except UnicodeDecodeError:
                return ()
        offset += size
    return tuple(reversed(steps))  # from the end, so that no step moves the place of the next


def restore(content: bytes, undo: Undo) -> bytes:
    """Take an edit back: *content* is what it left."""
    for start, length, old in undo:
        content = content[:start] + old.encode() + content[start + length :]
    return content
