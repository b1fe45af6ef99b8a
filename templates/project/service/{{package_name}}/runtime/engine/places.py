"""The concurrency limit of a worker: MAX_RUNS places for runs, and whose turn is next.

A run has a place while it does something, and none while it waits for its next try. Runs of one function have at most
a part of all places, so that a function that hangs leaves room for the others.
"""

import asyncio
import heapq
import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from time import monotonic

from resonate.error import PlatformError, StoppedError

from ..telemetry import metrics

STUCK_AFTER = 60.0
"""Seconds in which no run ended, with all places taken, after which a process is not ready."""

_MOST_IN_BACK_OFF = 16
"""Runs in back-off for each place; what comes on top keeps its place."""

_UNKNOWN = ""

_place: ContextVar["Place | None"] = ContextVar("place", default=None)


class Places:
    """The places of one worker: ``most`` in all, and of them the part ``share`` for runs of one function."""

    def __init__(self, most: int, share: float) -> None:
        self.most = most
        self.most_of_one = max(1, math.ceil(most * share))
        self._held: Counter[str] = Counter()
        self._in_use = 0
        self._waiting: dict[str, list[tuple[int, int, asyncio.Future[None]]]] = {}
        self._number = 0
        self._full_since = monotonic()
        self._pauses: set[asyncio.Future[None]] = set()
        self.is_closed = False
        self.on_given: Callable[[], None] = lambda: None
        """Called when a place was given back, after those that waited for one had their turn."""

    @property
    def in_use(self) -> int:
        """How many places are taken."""
        return self._in_use

    @property
    def is_free(self) -> bool:
        """Whether there is a place for some function."""
        return self._in_use < self.most

    @property
    def is_crowded(self) -> bool:
        """Whether one function could have all that it may, so that it matters whose the next run is."""
        return self._in_use >= self.most_of_one

    def problem(self) -> str | None:
        """What to say of a worker in which nothing gets on, or None."""
        stuck = monotonic() - self._full_since
        if self.is_free or stuck < STUCK_AFTER:
            return None
        held = ", ".join(f"{name or 'beginning'} ({count})" for name, count in self._held.most_common(3) if count)
        return f"all {self.most} places for runs have been held for {stuck:.0f} s, by {held}"

    def measure(self) -> None:
        """Set the gauges."""
        metrics.PLACES.labels("in_use").set(self._in_use)
        metrics.PLACES.labels("back_off").set(len(self._pauses))

    def close(self) -> None:
        """Hand back the runs that wait for a next try, now and from now on: another worker begins them again."""
        self.is_closed = True
        for pause in self._pauses:
            pause.cancel()

    def take_now(self, function: str) -> bool:
        """Take a place, if there is one."""
        if not self._fits(function):
            return False
        self.take_anyway(function)
        return True

    def take_anyway(self, function: str) -> None:
        """Take a place for a run that only ends, even if there is none."""
        self._held[function] += 1
        self._in_use += 1
        if not self.is_free:
            self._full_since = monotonic()

    def pause(self, pause: asyncio.Future[None]) -> bool:
        """Note a run in back-off; False where there are so many that it must keep its place."""
        self._pauses.add(pause)
        return len(self._pauses) <= _MOST_IN_BACK_OFF * self.most

    def end_pause(self, pause: asyncio.Future[None]) -> None:
        """Note its end."""
        self._pauses.discard(pause)

    async def take(self, function: str, *, first: bool = False) -> None:
        """Take a place when there is one: in turn, or before those that have not begun."""
        if not self._waiting.get(function) and self.take_now(function):
            return
        self._number += 1
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting.setdefault(function, []), (0 if first else 1, self._number, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(function)
            raise

    def give(self, function: str) -> None:
        """Give a place back."""
        self._held[function] -= 1
        self._in_use -= 1
        self._hand_out()
        self.on_given()

    def rename(self, place: str, function: str) -> None:
        """A run has begun, and turns out to be of this function."""
        self._held[place] -= 1
        self._held[function] += 1
        self._hand_out()

    def _fits(self, function: str) -> bool:
        # One that has just begun may turn out to be of this function.
        mine = self._held[function] + self._held[_UNKNOWN] if function != _UNKNOWN else 0
        return self.is_free and mine < self.most_of_one

    def _hand_out(self) -> None:
        while True:
            turns = [(heap[0], name) for name, heap in self._waiting.items() if heap and self._fits(name)]
            if not turns:
                return
            (_, _, turn), name = min(turns, key=lambda item: item[0][:2])
            heapq.heappop(self._waiting[name])
            if not turn.done():  # Else it was canceled.
                turn.set_result(None)
                self.take_anyway(name)


class Place:
    """The place of one run."""

    def __init__(self, places: Places, function: str) -> None:
        self._places = places
        self._function = function
        self._pauses = 0

    @asynccontextmanager
    async def held(self, *, taken: bool) -> AsyncIterator[None]:
        """Hold it; ``taken``: it has been taken already."""
        if not taken:
            await self._places.take(self._function)
        token = _place.set(self)
        try:
            yield
        finally:
            _place.reset(token)
            self._places.give(self._function)

    def belongs_to(self, function: str) -> None:
        """Say whose run this is, once that is known."""
        if function != self._function:
            self._places.rename(self._function, function)
            self._function = function

    async def lend(self, pause: Awaitable[None]) -> None:
        """Wait without a place.

        Raises:
            PlatformError: the process stops, so the run is handed back.
        """
        waiting: asyncio.Future[None] = asyncio.ensure_future(pause)
        if self._places.is_closed:
            waiting.cancel()
        lends = self._places.pause(waiting)
        if lends:
            self._give()
        try:
            await asyncio.wait([waiting])
            if lends and not waiting.cancelled():
                lends = False
                await self._take_again()
        finally:
            waiting.cancel()
            self._places.end_pause(waiting)
            if lends:
                self._unwind()
        if waiting.cancelled():
            raise PlatformError([StoppedError()])
        waiting.result()

    # Of steps in one run that wait at the same time the first gives its place away, and the last takes one again.

    def _give(self) -> None:
        self._pauses += 1
        if self._pauses == 1:
            self._places.give(self._function)

    async def _take_again(self) -> None:
        self._pauses -= 1
        if self._pauses == 0:
            try:
                await self._places.take(self._function, first=True)
            except asyncio.CancelledError:
                self._places.take_anyway(self._function)
                raise

    def _unwind(self) -> None:
        self._pauses -= 1
        if self._pauses == 0:
            self._places.take_anyway(self._function)


def say_function(function: str) -> None:
    """Say whose the current run is."""
    if place := _place.get():
        place.belongs_to(function)


async def pause_without_place(pause: Awaitable[None]) -> None:
    """Wait until the next try of the current run, which has no place meanwhile.

    Raises:
        PlatformError: the process stops, so the run is handed back.
    """
    place = _place.get()
    if place is None:
        await pause
    else:
        await place.lend(pause)
