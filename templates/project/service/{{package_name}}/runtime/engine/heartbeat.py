"""Heartbeats: what keeps the leases of the runs that this process has, also while its event loop is blocked."""

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

from resonate.heartbeat import AsyncHeartbeat
from resonate.send import Sender
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
_START = 5.0


class ThreadHeartbeat:
    """For `Resonate(heartbeat=…)`: beats from a thread and a connection of its own.

    The SDK's own heartbeat runs on the event loop, and stops with it: what blocks the loop for longer than a lease
    would run again elsewhere, and again, for ever. The thread also watches the loop, and logs where it is blocked.
    """

    def __init__(self, connect: Callable[[], Network], pid: str, lease: timedelta, token: str | None = None) -> None:
        self._connect = connect
        self._token = token
        self._pid = pid
        self._interval_ms = max(int(lease.total_seconds() * 1000) // 3, 1)
        self._thread: threading.Thread | None = None
        self._beats: asyncio.Queue[tuple[str, int | None]] | None = None
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._watched: asyncio.AbstractEventLoop
        self._watched_thread = 0
        self._turned_at = 0.0

    def start(self, task_id: str, task_version: int) -> None:
        """Keep a task's lease from now on."""
        if self._thread is None:
            self._watched, self._watched_thread = asyncio.get_running_loop(), threading.get_ident()
            self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="heartbeat", daemon=True)
            self._ready.clear()
            self._thread.start()
            self._ready.wait(_START)
        self._tell(task_id, task_version)

    def stop(self, task_id: str) -> None:
        """Keep it no longer."""
        if self._thread is not None:
            self._tell(task_id, None)

    def shutdown(self) -> None:
        """Keep none."""
        if self._thread is not None:
            self._tell("", None)
            self._thread = None

    def _tell(self, task_id: str, version: int | None) -> None:
        if self._beats is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._beats.put_nowait, (task_id, version))

    async def _run(self) -> None:
        network = self._connect()
        heartbeat = AsyncHeartbeat(self._pid, self._interval_ms, Sender(Transport(network), self._token))
        self._loop, self._beats = asyncio.get_running_loop(), asyncio.Queue()
        self._turned_at = monotonic()
        self._ready.set()
        watching = asyncio.create_task(self._watch())
        while (told := await self._beats.get())[0]:
            task_id, version = told
            if version is None:
                heartbeat.stop(task_id)
            else:
                heartbeat.start(task_id, version)
        heartbeat.shutdown()
        watching.cancel()
        await network.stop()

    async def _watch(self) -> None:
        """Log each time that the watched loop is blocked, once, with where."""
        told = False
        while not self._watched.is_closed():
            self._watched.call_soon_threadsafe(self._turn)
            await asyncio.sleep(_LOOK_EVERY)
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
