"""Merge three sequences of things: statements of a module, arguments of a call, lines of a file.

What one side alone changed is taken from it, also right beside what the other side changed. A merge has a conflict only
where both sides changed one item, where one changed what the other took out, or where both put something different at
one place whose order counts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

_ALIKE = 0.5  # the part of their words that two items share which are versions of one
_MOST_PAIRS = 10_000  # that are compared word by word
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a sequence.

    ``key`` is what of it counts: two items with one key are the same. ``name`` is given to what is the same thing
    wherever it stands. ``is_comment``: what says nothing to a program, so it has no conflict. ``is_free``: its order
    among others does not count. ``node`` is for who made the items.
    """

    key: str
    text: str
    name: str | None = None
    is_comment: bool = False
    is_free: bool = False
    node: Any = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """What both sides have at one place: items that cannot both be taken."""

    ours: tuple[Item, ...]
    theirs: tuple[Item, ...]


type Piece = Item | Conflict
type Sides = tuple[Sequence[Item], Sequence[Item], Sequence[Item]]
"""The items of the base, of ours, and of theirs."""

type Both = Callable[[Item, Item, Item], Piece]
"""Merges an item that both sides changed: the one of the base, ours, theirs."""


def merge_items(sides: Sides, both: Both, *, is_prose: bool = False) -> list[Piece]:
    """Merge what changed from the base to ours with what changed to theirs.

    ``is_prose``: an item goes on where the one before it ends, so nothing comes between two that theirs has changed.
    """
    return _Merge(sides, both, is_prose=is_prose).pieces()


class _Merge:
    def __init__(self, sides: Sides, both: Both, *, is_prose: bool) -> None:
        base, ours, theirs = sides
        self._base, self._ours, self._theirs, self._both = base, ours, theirs, both
        self._is_prose = is_prose
        self._in_ours, self._in_theirs = _matches(base, ours), _matches(base, theirs)
        self._from_ours = {at: it for it, at in self._in_ours.items()}
        self._from_theirs = {at: it for it, at in self._in_theirs.items()}
        added = [at for at in range(len(ours)) if at not in self._from_ours]
        new = [at for at in range(len(theirs)) if at not in self._from_theirs]
        twins = _matches([ours[at] for at in added], [theirs[at] for at in new], similar=False)
        self._twins = {added[one]: new[other] for one, other in twins.items()}
        """What both sides added: its place in ours, and in theirs."""
        self._moved = _moved(self._in_ours) - _moved(self._in_theirs)
        """What we alone put elsewhere, by its place in the base."""

    def pieces(self) -> list[Piece]:
        """Theirs in its order, and ours at the places between."""
        placed = self._placed()
        twin_of = {new: added for added, new in self._twins.items()}
        anchors = [at for at in range(len(self._theirs)) if at in self._from_theirs or at in twin_of]
        found: list[Piece] = []
        for at, following in pairwise([-1, *anchors, len(self._theirs)]):
            if at in twin_of:
                found.append(_same_or_conflict(self._ours[twin_of[at]], self._theirs[at]))
            elif at >= 0:
                found += self._kept(at)
            found += _at_one_place(placed.get(at, []), self._theirs[at + 1 : following])
        return found

    def _kept(self, at: int) -> Iterator[Piece]:
        """What becomes of an item of theirs that the base has, too."""
        known, item = self._from_theirs[at], self._theirs[at]
        if known not in self._in_ours:  # We took it out.
            if not item.is_comment and item.key != self._base[known].key:
                yield Conflict((), (item,))
        elif known not in self._moved:
            yield self._merged(known)

    def _placed(self) -> dict[int, list[Piece]]:
        """What ours has beside what is where theirs has it, by the place in theirs that it comes after."""
        found: dict[int, list[Piece]] = {}
        after = -1
        for at, item in enumerate(self._ours):
            known = self._from_ours.get(at)
            if at in self._twins:
                after = self._twins[at]
            elif known is None:
                lost = not (item.is_free or item.is_comment) and self._is_within_what_is_gone(at)
                found.setdefault(after, []).append(Conflict((item,), ()) if lost else item)
            elif known not in self._in_theirs:
                if item.is_comment and item.key != self._base[known].key:
                    found.setdefault(after, []).append(item)
                elif item.key != self._base[known].key:
                    found.setdefault(after, []).append(Conflict((item,), ()))
            elif known in self._moved:
                found.setdefault(after, []).append(self._merged(known))
            else:
                after = self._in_theirs[known]
        return found

    def _is_within_what_is_gone(self, at: int) -> bool:
        """Whether what stood before an item that we added, and what stood after it, is not in theirs any more."""
        around: list[int | None] = []
        for places in (range(at - 1, -1, -1), range(at + 1, len(self._ours))):
            around.append(next((it for it in places if it in self._from_ours or it in self._twins), None))
        return all(it in self._from_ours and self._is_gone(self._from_ours[it]) for it in around)

    def _is_gone(self, known: int) -> bool:
        new = self._in_theirs.get(known)
        return new is None or (self._is_prose and self._theirs[new].key != self._base[known].key)

    def _merged(self, known: int) -> Piece:
        base, ours, theirs = (
            self._base[known],
            self._ours[self._in_ours[known]],
            self._theirs[self._in_theirs[known]],
        )
        if ours.key in (base.key, theirs.key):
            return theirs
        if theirs.key == base.key or (ours.is_comment and theirs.is_comment):
            return ours
        return self._both(base, ours, theirs)


def _at_one_place(ours: Sequence[Piece], theirs: Sequence[Item]) -> list[Piece]:
    """What both sides have that is new, at the place between two things that are not."""
    mine = [item for item in ours if isinstance(item, Item)]
    if all(it.is_free or it.is_comment for it in mine) or all(it.is_free or it.is_comment for it in theirs):
        return [*theirs, *ours]
    return [Conflict(tuple(mine), tuple(theirs)), *(item for item in ours if isinstance(item, Conflict))]


def _same_or_conflict(ours: Item, theirs: Item) -> Piece:
    return theirs if ours.key == theirs.key else Conflict((ours,), (theirs,))


def _matches(base: Sequence[Item], other: Sequence[Item], *, similar: bool = True) -> dict[int, int]:
    """Which item of the one is which of the other: the same one, the one of its name, or one that is much alike."""
    matcher = SequenceMatcher(None, [it.key for it in base], [it.key for it in other], autojunk=False)
    blocks = matcher.get_matching_blocks()
    found = {block.a + it: block.b + it for block in blocks for it in range(block.size)}
    taken = set(found.values())
    named = {it.name: at for at, it in enumerate(other) if it.name is not None and at not in taken}
    for at, item in enumerate(base):
        if at not in found and item.name in named:
            found[at] = named.pop(item.name)
    if similar:
        found |= _alike(base, other, found)
    return found


def _alike(base: Sequence[Item], other: Sequence[Item], known: Mapping[int, int]) -> dict[int, int]:
    """Items without a name that stand between the same ones, and have most words in common."""
    found = {}
    taken = {*known.values()}
    anchors = sorted((at, it) for at, it in known.items() if at not in _moved(known))
    for (first, start), (last, end) in pairwise([(-1, -1), *anchors, (len(base), len(other))]):
        left = [at for at in range(first + 1, last) if at not in known and base[at].name is None]
        right = [at for at in range(start + 1, end) if at not in taken and other[at].name is None]
        if len(left) * len(right) > _MOST_PAIRS:
            continue
        for at in left:
            likeness = {it: _likeness(base[at], other[it]) for it in right}
            best = max(likeness, key=lambda it: likeness[it], default=None)
            if best is not None and likeness[best] >= _ALIKE:
                found[at] = best
                right = [it for it in right if it > best]
    return found


def _likeness(one: Item, other: Item) -> float:
    """The part of their words that two items share: 0 where they are of two kinds."""
    if one.is_comment != other.is_comment:
        return 0
    words, others = set(_WORD.findall(one.text)), set(_WORD.findall(other.text))
    return 2 * len(words & others) / (len(words) + len(others)) if words and others else 0


def _moved(places: Mapping[int, int]) -> set[int]:
    """What stands in another order: all but a longest run of what stands in the same."""
    ends: list[int] = []  # the smallest last place of a run of each length
    runs: list[list[int]] = []
    for at in sorted(places):
        length = bisect_left(ends, places[at])
        run = [*(runs[length - 1] if length else []), at]
        ends[length : length + 1], runs[length : length + 1] = [places[at]], [run]
    return set(places) - set(runs[-1] if runs else [])
