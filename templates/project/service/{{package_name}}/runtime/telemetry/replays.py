"""Log lines of a workflow, once: not at each wake, at which it runs again from the top.

A line that a workflow logs while it may be replaying is held until that is known: left out where a call follows that an
earlier pass has made, written where a new call follows or the pass ends. Warnings and errors are written at once, and so
are the lines of steps, which run once. Between its last call and its wait a workflow that another process goes on with
may write a line twice.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HOLD = 1.0
"""Seconds after which a held line is written: a replay takes less, so the run has no call that it repeats."""

_REMEMBERED = 10_000
_RUNTIME = __name__.removesuffix(".telemetry.replays") + "."
_SERVICE = _RUNTIME.partition(".")[0] + "."

_pass: ContextVar["Pass | None"] = ContextVar("pass", default=None)

# By promise id: how many lines the passes of a workflow have logged in this process.
_logged: OrderedDict[str, int] = OrderedDict()


class Pass:
    """The lines of one pass of a run."""

    def __init__(self, promise: str, *, is_first: bool) -> None:
        self._promise = promise
        self._is_live = is_first
        self._known = 0 if is_first else _logged.get(promise, 0)
        self._count = 0
        self._has_calls = False
        self._held: list[logging.LogRecord] = []
        self._last: tuple[logging.LogRecord, bool] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def lets_through(self, record: logging.LogRecord) -> bool:
        """Whether a line is written now. Each handler asks."""
        if self._last is None or self._last[0] is not record:
            self._last = record, self._judge(record)
        return self._last[1]

    def saw_call(self, *, is_new: bool) -> None:
        """Note a call: where it was made before, the lines up to it were written."""
        self._has_calls = True
        if is_new:
            self._write_held()
        else:
            self._held.clear()

    def end(self) -> None:
        """End the pass: what is still held was logged in it."""
        self._write_held()
        if self._has_calls:
            _logged[self._promise] = max(self._count, _logged.pop(self._promise, 0))
            if len(_logged) > _REMEMBERED:
                _logged.popitem(last=False)

    def _judge(self, record: logging.LogRecord) -> bool:
        self._count += 1
        if self._count <= self._known:
            return False
        if not self._is_live:
            self._held.append(record)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(HOLD, self._write_held)
        return self._is_live

    def _write_held(self) -> None:
        self._is_live = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, []
        for record in held:
            self._last = record, True
            logging.getLogger(record.name).callHandlers(record)


@contextmanager
def one_pass(promise: str, *, is_first: bool) -> Iterator[Pass]:
    """Write the lines of a run that no earlier pass of it has written. ``is_first``: there is none."""
    lines = Pass(promise, is_first=is_first)
    token = _pass.set(lines)
    try:
        yield lines
    finally:
        lines.end()
        _pass.reset(token)


def forget() -> None:
    """Forget what was logged: on another engine the same ids are other runs."""
    _logged.clear()


def write_at_once() -> None:
    """Hold no line of this task from here on: a step does not replay."""
    _pass.set(None)


def is_written(record: logging.LogRecord) -> bool:
    """Whether a line is written now, and not held or left out: only those of the service's own code ever are."""
    lines = _pass.get()
    is_own = record.name.startswith(_SERVICE) and not record.name.startswith(_RUNTIME)
    if lines is None or not is_own or record.levelno >= logging.WARNING:
        return True
    return lines.lets_through(record)
