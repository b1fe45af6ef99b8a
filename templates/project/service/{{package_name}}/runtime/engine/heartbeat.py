"""Heartbeats: what keeps the leases of the runs that this process has, also while its event loop is blocked."""

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from time import monotonic

from resonate.send import Sender, TaskRef
from resonate.transport import Transport
from resonate_base.connections import Network

from ..telemetry import metrics

logger = logging.getLogger(__name__)

BLOCKED_AFTER = 2.0
"""Seconds without a turn of the event loop after which what blocks it is logged."""

_BLOCKED = (
    "the event loop has been blocked for %.1f s, here: all else in this process waits. A step that blocks is a plain "
    "def, which runs in a thread."
)
_LOOK_EVERY = 0.5

# The SDK starts and stops a heartbeat in one task, and names no version when it stops it.
_version: ContextVar[int] = ContextVar("version", default=0)


class ThreadHeartbeat:
    """For `Resonate(heartbeat=…)`: beats from a thread and a connection of its own, three times a lease.

    The SDK's own heartbeat runs on the event loop, and stops with it: what blocks the loop for longer than a lease
    would run again elsewhere, and again, for ever. And it beats whenever a run begins, when the lease is fresh: most runs
    end before they need one. The thread also watches the loop, and logs where it is blocked.
    """

    def __init__(self, connect: Callable[[], Network], pid: str, lease: timedelta, token: str | None = None) -> None:
        self._connect = connect
        self._token = token
        self._pid = pid
        self._interval = lease.total_seconds() / 3
        self._leases: dict[str, int] = {}
        self._lock = threading.Lock()
        self._ended: threading.Event | None = None
        self._watched: asyncio.AbstractEventLoop
        self._watched_thread = 0
        self._turned_at = 0.0

    def start(self, task_id: str, task_version: int) -> None:
        """Keep a task's lease from now on."""
        _version.set(task_version)
        with self._lock:
            self._leases[task_id] = task_version
        if self._ended is None:
            self._watched, self._watched_thread = asyncio.get_running_loop(), threading.get_ident()
            self._ended = threading.Event()
            run = partial(asyncio.run, self._run(self._ended))
            threading.Thread(target=run, name="heartbeat", daemon=True).start()

    def stop(self, task_id: str) -> None:
        """Keep it no longer, where it is this run's: one that lost its lease may have been taken anew here meanwhile."""
        with self._lock:
            if self._leases.get(task_id) == _version.get():
                del self._leases[task_id]

    def shutdown(self) -> None:
        """Keep none."""
        with self._lock:
            self._leases.clear()
        if self._ended is not None:
            self._ended.set()
            self._ended = None

    async def _run(self, ended: threading.Event) -> None:
        self._turned_at = monotonic()
        network = self._connect()
        beating = asyncio.create_task(self._beat(Sender(Transport(network), self._token)))
        await self._watch(ended)
        beating.cancel()
        await network.stop()

    async def _beat(self, sender: Sender) -> None:
        """Beat for all leases at once: one that has begun since the last beat has two thirds of its time left, or more."""
        while True:
            await asyncio.sleep(self._interval)
            with self._lock:
                tasks = [TaskRef(id=task_id, version=version) for task_id, version in self._leases.items()]
            if not tasks:
                continue
            try:
                await sender.task_heartbeat(self._pid, tasks)
            except Exception as error:
                logger.warning("the heartbeat of %d runs failed: %s", len(tasks), error)

    async def _watch(self, ended: threading.Event) -> None:
        """Until the end, log each time that the watched loop is blocked, once, with where."""
        told = False
        while not ended.is_set() and not self._watched.is_closed():
            self._watched.call_soon_threadsafe(self._turn)
            await asyncio.sleep(_LOOK_EVERY)
            if ended.is_set():  # The loop has ended, too, or soon will.
                return
            blocked = monotonic() - self._turned_at
            if blocked < BLOCKED_AFTER:
                told = False
            elif not told:
                told = True
                metrics.LOOP_BLOCKED.inc()
                frame = sys._current_frames().get(self._watched_thread)
                stack = "".join(traceback.format_stack(frame)[-12:]).rstrip() if frame else "It is nowhere."
                logger.handle(
                    logger.makeRecord(logger.name, logging.ERROR, __file__, 0, _BLOCKED, (blocked,), None, sinfo=stack)
                )

    def _turn(self) -> None:
        self._turned_at = monotonic()
