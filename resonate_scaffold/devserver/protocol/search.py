"""Searches: which families have a promise or task in which state, by id, and pages of what was found."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby, islice
from typing import Any, get_args

from sortedcontainers import SortedList, SortedSet

from resonate_scaffold.devserver.protocol.records import Promise, PromiseState, Schedule, TaskState

#: How many promises or tasks come at once where a search does not say.
MOST_AT_ONCE = 100

_STATES: dict[str, int] = {state: number for number, state in enumerate(get_args(PromiseState.__value__))}
_TASK_STATES: dict[str, int] = {
    state: len(_STATES) + number for number, state in enumerate(get_args(TaskState.__value__))
}
_ALL = len(_STATES) + len(_TASK_STATES)
_BITS = range(_ALL)

type States = tuple[str, PromiseState, TaskState | None]
"""An id with the states of its promise and of its task."""


type Labels = tuple[str, ...]
"""The tags of a promise that are looked up by themselves, as ``name=value``."""

#: Tags that begin so are looked up; others are compared with each promise that is looked at. A service lists its runs
#: by such tags. Of the second each run has another value, which nobody searches for.
_LOOKED_UP, _NEVER_SEARCHED = "run:", frozenset({"run:at"})


def labels_of(tags: dict[str, str]) -> Labels:
    """The tags among these that are looked up. Many promises share the texts."""
    return tuple(
        sys.intern(f"{name}={value}")
        for name, value in tags.items()
        if name.startswith(_LOOKED_UP) and name not in _NEVER_SEARCHED
    )


class TaggedIds:
    """Which promises have which label, by id."""

    def __init__(self) -> None:
        self._ids: dict[str, Any] = {}
        #: What was read from a file, to be sorted all at once.
        self._unsorted: dict[str, list[str]] = {}

    def add(self, id: str, labels: Labels) -> None:
        for label in labels:
            if label not in self._ids:
                self._ids[label] = SortedList()
            self._ids[label].add(id)

    def load(self, id: str, labels: Labels) -> None:
        """Note a promise that was saved."""
        for label in labels:
            self._unsorted.setdefault(sys.intern(label), []).append(id)

    def discard(self, id: str, labels: Labels) -> None:
        self._sort()
        for label in labels:
            self._ids[label].discard(id)
            if not self._ids[label]:
                del self._ids[label]

    def count(self, labels: Labels) -> int:
        """How many promises have all of these at most."""
        self._sort()
        return min(len(self._ids.get(label, ())) for label in labels)

    def has(self, id: str, labels: Labels) -> bool:
        """Whether a promise has all of these."""
        self._sort()
        return all(id in self._ids.get(label, ()) for label in labels)

    def find(self, labels: Labels, after: str | None) -> Iterator[str]:
        """The promises that have all of these, by id from after `after`."""
        self._sort()
        fewest, *others = sorted((self._ids.get(label, ()) for label in labels), key=len)
        if not fewest:
            return iter(())
        found: Iterator[str] = fewest.irange(minimum=after, inclusive=(after is None, False))
        return (id for id in found if all(id in ids for ids in others))

    def _sort(self) -> None:
        for label, ids in self._unsorted.items():
            self._ids.setdefault(label, SortedList()).update(ids)
        self._unsorted.clear()


class Index:
    """Blocks by state. A family has two: ``root`` is the root alone, ``root:`` is all that descends from it.

    All ids of one block come before all ids of the next, so that what is found block by block comes by id.
    """

    def __init__(self) -> None:
        self._blocks: list[Any] = [SortedSet() for _ in range(_ALL)]
        #: What was read from a file, to be sorted all at once.
        self._unsorted: list[list[str]] = [[] for _ in range(_ALL)]
        self._is_sorted = True

    def change(self, root: str, before: int, after: int) -> None:
        """Note that a family had one census, and has another."""
        changed = before ^ after
        if not changed:
            return
        self.sort()
        for number in range(2 * _ALL):
            if changed >> number & 1:
                blocks = self._blocks[number % _ALL]
                block = root if number < _ALL else root + ":"
                if after >> number & 1:
                    blocks.add(block)
                else:
                    blocks.discard(block)

    def load(self, root: str, census: int) -> None:
        """Note the census of a family that was saved."""
        self._is_sorted = False
        below = root + ":"
        for number in _BITS:
            if census >> number & 1:
                self._unsorted[number].append(root)
            if census >> number + _ALL & 1:
                self._unsorted[number].append(below)

    def promises(self, state: PromiseState | None, after: str | None) -> Iterator[str]:
        """The blocks that have a promise in this state, in any if None, from the one on in which `after` is."""
        return self._from(_STATES.values() if state is None else [_STATES[state]], after)

    def tasks(self, state: TaskState | None, after: str | None) -> Iterator[str]:
        return self._from(_TASK_STATES.values() if state is None else [_TASK_STATES[state]], after)

    def count(self, state: PromiseState) -> int:
        """How many blocks have a promise in this state."""
        self.sort()
        return len(self._blocks[_STATES[state]])

    def has(self, id: str, state: PromiseState) -> bool:
        """Whether the block of this promise has one in this state."""
        self.sort()
        return _block_of(id) in self._blocks[_STATES[state]]

    def sort(self) -> None:
        """Put in order what was read from a file; the others see to it themselves."""
        if not self._is_sorted:
            for blocks, unsorted in zip(self._blocks, self._unsorted, strict=True):
                blocks.update(unsorted)
                unsorted.clear()
            self._is_sorted = True

    def _from(self, numbers: Iterable[int], after: str | None) -> Iterator[str]:
        self.sort()
        first = None if after is None else _block_of(after)
        each = (self._blocks[number].irange(minimum=first) for number in numbers)
        return (block for block, _ in groupby(merge(*each)))


def census(family: Iterable[States]) -> int:
    """Which states there are in a family: a bit for each, of the root first, then of the others."""
    found = 0
    for id, state, task_state in family:
        bits = 1 << _STATES[state] if task_state is None else 1 << _STATES[state] | 1 << _TASK_STATES[task_state]
        found |= bits << _ALL if ":" in id else bits
    return found


def _block_of(id: str) -> str:
    root, colon, _ = id.partition(":")
    return root + colon


def page[T: (Promise, Schedule)](found: Iterable[T], limit: int) -> tuple[list[T], dict[str, Any]]:
    """The first `limit` of these, which come by id, and the cursor to the next page where there is one."""
    items = list(islice(found, limit + 1))
    if len(items) <= limit:
        return items, {}
    return items[:limit], {"cursor": items[limit - 1].id}
