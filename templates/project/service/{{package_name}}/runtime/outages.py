"""What durable functions need and may lose for a while, such as a database.

An outage is no fault of a run that meets it: the run waits, then begins again, and none of its attempts is used up.
"""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from time import monotonic
from typing import Any

logger = logging.getLogger(__name__)

PROBE_EVERY = 5.0
"""Seconds between two looks at a resource that answers."""

PROBE_AWAY_EVERY = 1.0
"""Seconds between two looks at one that is away."""

PATIENCE = 10.0
"""Seconds that a worker's run waits for a resource before it is handed back: another process may reach it."""

LONGEST_PAUSE = 30.0
"""Seconds at most between two tries of a run that loses a resource again and again, although it answers."""

REPEAT = 60.0
"""Seconds between two warnings about a resource that answers while runs lose it."""


_CHANGE = {"is_change": True}  # Each line is written: see `telemetry/repeats.py`.


class Lost(Exception):
    """A run has lost what it needs, or found it away. This is no attempt of the function: it begins again later."""

    def __init__(self, resource: "Resource", reason: str) -> None:
        super().__init__(f"{resource.name} is away: {reason}")
        self.resource = resource


class Resource(ABC):
    """Something that runs need and that may be away. It is away when :meth:`probe` says so.

    It is asked when a run has lost it, for readiness, and every :data:`PROBE_EVERY` seconds while :meth:`watch` runs.
    An outage is logged when it begins and when it ends.
    """

    effect = "its runs wait, and no more are taken"
    """What an outage means, for the log."""

    patience: float | None = None
    """Seconds that a run waits in its place, None without end. A worker sets it that stops taking work meanwhile."""

    on_change: Callable[[bool], Awaitable[None]] | None = None
    """Awaited with True when an outage begins, and with False when it ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._away_because: str | None = None
        self._closing = asyncio.Event()
        self._asking = asyncio.Lock()
        self._verifying: asyncio.Task[None] | None = None
        self._recovering: asyncio.Task[None] | None = None
        self._looking: set[asyncio.Task[None]] = set()
        self._returned_at = self._warned_at = float("-inf")

    @abstractmethod
    async def probe(self) -> None:
        """Ask it for something, within a few seconds. Raises what keeps it from answering."""

    @abstractmethod
    def abort(self) -> None:
        """Break its open connections: whatever waits for an answer on one fails at once."""

    def check(self) -> None:
        """Raise :class:`Lost` where it is known to be away: there is no use in trying."""
        if self._away_because is not None:
            raise Lost(self, self._away_because)

    def lost(self, error: BaseException, began: float) -> Lost:
        """What a run raises that lost it; it is asked whether it is there. ``began``: when the run turned to it."""
        reason = _first_line(error)
        # A connection that is older than the end of the last outage says nothing of a new one.
        if began > self._returned_at and self._task() is None:
            self._verifying = self._create_task(self._verify(reason))
        return Lost(self, reason)

    async def returned(self, losses: int, left: float) -> bool:
        """Wait until it is there. False: the run must be handed back, since the process stops or it has waited for long.

        ``losses`` is how often in a row the run has lost it: from the second time on there is a pause as well, which
        grows. ``left`` are the seconds until the run's deadline.
        """
        until = monotonic() + (left if self.patience is None else min(left, self.patience))
        while (waited_for := self._task()) is not None and not self._closing.is_set():
            await asyncio.wait({waited_for}, timeout=max(until - monotonic(), 0))
            if not waited_for.done():
                return False
        pause = min(2.0 ** (losses - 2), LONGEST_PAUSE, max(left, 0)) if losses > 1 else 0.0
        if pause and not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause)
        return not self._closing.is_set()

    async def problem(self) -> str | None:
        """What is wrong with it at this moment, or None."""
        if self._away_because is None and (wrong := await self._ask()) is not None:
            self._begin_outage(wrong)
        return None if self._away_because is None else f"{self.name} is away"

    async def watch(self) -> None:
        """Ask it from time to time, until canceled: also a process without work notices an outage."""
        while True:
            await asyncio.sleep(PROBE_EVERY)
            await self.problem()

    def hand_back(self) -> None:
        """Let no run wait for it any more: the process stops."""
        self._closing.set()
        if self._away_because is not None:
            self.abort()
        self._cancel()

    async def stop_looking(self) -> None:
        """Ask it no more; a question that is under way is waited for."""
        self._cancel()
        if self._looking:
            await asyncio.wait(self._looking)

    def _cancel(self) -> None:
        for task in self._looking:
            task.cancel()
        self._verifying = self._recovering = None

    def _task(self) -> asyncio.Task[None] | None:
        """What finds out whether it is away, or waits for its return."""
        return self._verifying or self._recovering

    async def _ask(self) -> str | None:
        async with self._asking:
            try:
                await self.probe()
            except Exception as error:
                return _first_line(error)
            return None

    async def _verify(self, reason: str) -> None:
        """See whether it is away, and where it is, wait for its return."""
        try:
            wrong = await self._ask()
            if wrong is not None:
                self._begin_outage(wrong)
            elif monotonic() - self._warned_at >= REPEAT:
                self._warned_at = monotonic()
                logger.warning("runs lose %s, though it answers; they begin again: %s", self.name, reason)
        finally:
            self._verifying = None

    def _begin_outage(self, reason: str) -> None:
        if self._recovering is None:
            self._away_because = reason
            self._recovering = self._create_task(self._recover(reason))

    async def _recover(self, reason: str) -> None:
        """One outage, from its beginning to its end."""
        began = monotonic()
        logger.error("%s is away: %s: %s", self.name, self.effect, reason, extra=_CHANGE)
        aborted = False
        try:
            await self._tell(True)
            while (wrong := await self._ask()) is not None:
                self._away_because = wrong
                if not aborted and monotonic() - began >= PATIENCE:
                    aborted = True
                    self.abort()
                await asyncio.sleep(PROBE_AWAY_EVERY)
            self._away_because, self._returned_at = None, monotonic()
            logger.warning("%s is back after %.0f s", self.name, self._returned_at - began, extra=_CHANGE)
            await self._tell(False)
        finally:
            self._recovering = None

    def _create_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task whose log lines are about no run: the one that notices an outage is one of many."""
        task = asyncio.create_task(work, context=Context())
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)
        return task

    async def _tell(self, away: bool) -> None:
        if self.on_change is not None:
            await self.on_change(away)


def _first_line(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).splitlines() or [""])[0].rstrip(":") or type(cause).__name__
