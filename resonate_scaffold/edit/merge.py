"""A change of one text, made in another that somebody has edited: line by line, where these lines are as they were."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import pairwise


def merged(base: bytes, changed: bytes, mine: bytes) -> tuple[bytes, tuple[int, ...]]:
    """*mine* with what turned *base* into *changed*, and the lines of *base* that *mine* has otherwise: these stay."""
    old, new, there = (text.splitlines(keepends=True) for text in (base, changed, mine))
    place = {
        block.a + offset: block.b + offset
        for block in SequenceMatcher(None, old, there, autojunk=False).get_matching_blocks()
        for offset in range(block.size)
    }
    place[-1], place[len(old)] = -1, len(there)
    left: list[int] = []
    for tag, start, end, first, last in reversed(SequenceMatcher(None, old, new, autojunk=False).get_opcodes()):
        if tag == "equal":
            continue
        around = [place.get(line) for line in (range(start, end) if end > start else (start - 1, start))]
        if None in around or any(b != a + 1 for a, b in pairwise(around) if a is not None):
            if end > start and not any(line in there for line in old[start:end] if line.strip()):
                continue  # it has gone already
            left.append(start + 1)
        elif end > start:
            there[around[0] : (around[-1] or 0) + 1] = new[first:last]
        else:
            at = (around[0] or 0) + 1 if start else 0
            there[at:at] = new[first:last]
    return b"".join(there), tuple(reversed(left))
