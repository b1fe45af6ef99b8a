"""Deadlines by key, found in the order in which they fall due."""

from __future__ import annotations

import heapq
from collections.abc import Iterator


class Deadlines:
    """One deadline (a time in ms) a key; every operation is O(log n) amortised.

    A heap with lazy deletion: a changed or discarded deadline leaves its old entry behind, which is skipped
    when it surfaces. The heap is rebuilt once most of it is such leftovers, so heartbeats that move a
    deadline for days do not make it grow.
    """

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._at)

    def items(self) -> Iterator[tuple[str, int]]:
        yield from self._at.items()

    def get(self, key: str) -> int | None:
        return self._at.get(key)

    def set(self, key: str, at: int) -> None:
        if self._at.get(key) == at:
            return
        self._at[key] = at
        if len(self._heap) > 64 and len(self._heap) > 2 * len(self._at):
            self._heap = [(when, known) for known, when in self._at.items()]
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, (at, key))

    def discard(self, key: str) -> None:
        self._at.pop(key, None)

    def next(self) -> int | None:
        """The earliest deadline, or None."""
        while self._heap:
            at, key = self._heap[0]
            if self._at.get(key) == at:
                return at
            heapq.heappop(self._heap)
        return None

    def first_due(self, now: int) -> str | None:
        """The key whose deadline is the earliest, if that is at or before `now`."""
        at = self.next()
        return self._heap[0][1] if at is not None and at <= now else None

    def pop_due(self, now: int) -> list[str]:
        """Remove and return the keys whose deadline is at or before `now`, earliest first."""
        due: list[str] = []
        while (at := self.next()) is not None and at <= now:
            _, key = heapq.heappop(self._heap)
            del self._at[key]
            due.append(key)
        return due
