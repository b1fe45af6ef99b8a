"""Searches: which families have a promise or task in which state, by id, and pages of what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby, islice
from typing import Any, get_args

from sortedcontainers import SortedSet

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


class Index:
    """Blocks by state. A family has two: ``root`` is the root alone, ``root:`` is all that descends from it.

    All ids of one block come before all ids of the next, so that what is found block by block comes by id. Counts are
    only kept of families that may change; a packed one stands in the index as it stood when it was packed.
    """

    def __init__(self) -> None:
        self._blocks: list[Any] = [SortedSet() for _ in range(_ALL)]
        #: By block, with the block itself: its text is kept once.
        self._counts: dict[str, tuple[str, list[int]]] = {}
        #: What was read from a file, to be sorted all at once.
        self._unsorted: list[list[str]] = [[] for _ in range(_ALL)]
        self._is_sorted = True

    def add(self, states: States) -> None:
        for number in _numbers(states):
            self._count(_block_of(states[0]), number, 1)

    def discard(self, states: States) -> None:
        for number in _numbers(states):
            self._count(_block_of(states[0]), number, -1)

    def move(self, id: str, before: str, after: str, *, of_task: bool = False) -> None:
        numbers, block = _TASK_STATES if of_task else _STATES, _block_of(id)
        self._count(block, numbers[after], 1)
        self._count(block, numbers[before], -1)

    def pack(self, root: str) -> None:
        """Stop counting in a family."""
        self._counts.pop(root, None)
        self._counts.pop(root + ":", None)

    def unpack(self, family: Iterable[States]) -> None:
        """Count again in a family."""
        for states in family:
            _, counts = self._counts_of(_block_of(states[0]))
            for number in _numbers(states):
                counts[number] += 1

    def add_packed(self, root: str, census: int) -> None:
        """Add a family by its census."""
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

    def _from(self, numbers: Iterable[int], after: str | None) -> Iterator[str]:
        self.sort()
        first = None if after is None else _block_of(after)
        each = (self._blocks[number].irange(minimum=first) for number in numbers)
        return (block for block, _ in groupby(merge(*each)))

    def _count(self, block: str, number: int, change: int) -> None:
        block, counts = self._counts_of(block)
        counts[number] += change
        if counts[number] == 0:
            self.sort()
            self._blocks[number].discard(block)
            if not any(counts):
                del self._counts[block]
        elif counts[number] == change:
            self._blocks[number].add(block)

    def _counts_of(self, block: str) -> tuple[str, list[int]]:
        known = self._counts.get(block)
        if known is None:
            known = self._counts[block] = (block, [0] * _ALL)
        return known

    def sort(self) -> None:
        """Put in order what was read from a file; every search and removal sees to it itself."""
        if not self._is_sorted:
            for blocks, unsorted in zip(self._blocks, self._unsorted, strict=True):
                blocks.update(unsorted)
                unsorted.clear()
            self._is_sorted = True


def census(family: Iterable[States]) -> int:
    """Which states there are in a family: a bit for each, of the root first, then of the others."""
    found = 0
    for states in family:
        for number in _numbers(states):
            found |= 1 << (number + (_ALL if ":" in states[0] else 0))
    return found


def _numbers(states: States) -> list[int]:
    _, state, task_state = states
    return [_STATES[state]] if task_state is None else [_STATES[state], _TASK_STATES[task_state]]


def _block_of(id: str) -> str:
    root, colon, _ = id.partition(":")
    return root + colon


def page[T: (Promise, Schedule)](found: Iterable[T], limit: int) -> tuple[list[T], dict[str, Any]]:
    """The first `limit` of these, which come by id, and the cursor to the next page where there is one."""
    items = list(islice(found, limit + 1))
    if len(items) <= limit:
        return items, {}
    return items[:limit], {"cursor": items[limit - 1].id}
