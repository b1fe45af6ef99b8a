"""Merge three versions of a text by its lines, also where a line that one changed is beside one that the other did."""

from __future__ import annotations

from resonate_scaffold.upgrade.sequences import Conflict, Item, merge_items


def merge_lines(base: str, ours: str, theirs: str, comment: str = "") -> str | None:
    """Merge three texts by their lines; None where both sides changed one, or put something at one place.

    ``comment`` begins a line that is one, in a text that has them.
    """
    sides = _lines(base, comment), _lines(ours, comment), _lines(theirs, comment)
    pieces = merge_items(sides, lambda _, mine, new: Conflict((mine,), (new,)), is_prose=True)
    if any(isinstance(piece, Conflict) for piece in pieces):
        return None
    return "".join(piece.text for piece in pieces if isinstance(piece, Item))


def _lines(text: str, comment: str) -> list[Item]:
    ended = text if text.endswith("\n") or not text else f"{text}\n"
    return [
        Item(line, line, is_free=bool(comment) and line.lstrip().startswith(comment))
        for line in ended.splitlines(keepends=True)
    ]
