"""Log lines that are formatted and written beside the work that they are about, some milliseconds later.

A request's line costs a tenth of the request. What is plain (no warning, no traceback, nothing that may change meanwhile)
waits here for a thread, which writes many at a time. Anything else is written at once, behind what waits. So lines stand
in the order in which they were logged, and none is lost at the end of the process, but where it is killed.
"""

import logging
import threading
from collections import deque
from collections.abc import Mapping
from time import sleep
from typing import TextIO

DELAY = 0.02
"""Seconds that a line waits for others, about."""

MOST_WAITING = 10_000
"""Lines that wait at most, where nobody reads what is written: then whoever logs waits, as for any other line."""

_PLAIN = {str, int, float, bool, type(None)}


class DeferringHandler(logging.Handler):
    """Writes to the stream of another handler, and leaves to that one whatever is not plain."""

    def __init__(self, target: logging.StreamHandler[TextIO]) -> None:
        super().__init__()
        self._target = target
        self._waiting: deque[logging.LogRecord] = deque()
        self._writing = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record for the thread, or write it."""
        if record.levelno >= logging.WARNING or not _is_plain(record):
            with self._writing:
                self.flush()
                self._target.emit(record)
            return
        self._waiting.append(record)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
        if len(self._waiting) > MOST_WAITING:
            self.flush()
        elif not self._wake.is_set():
            self._wake.set()

    def flush(self) -> None:
        """Write what waits. Called at the end of the process, too."""
        with self._writing:
            lines = []
            while self._waiting:
                record = self._waiting.popleft()
                try:
                    lines.append(self._target.format(record) + self._target.terminator)
                except Exception:
                    self._target.handleError(record)
            if lines:
                try:
                    self._target.stream.write("".join(lines))
                    self._target.flush()
                except OSError:  # Nobody reads the stream any more, and there is no other place to say so.
                    self._waiting.clear()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            sleep(DELAY)
            self._wake.clear()
            self.flush()


def _is_plain(record: logging.LogRecord) -> bool:
    """Whether a record says the same later."""
    fields = dict(vars(record))
    arguments = fields.pop("args") or ()
    values = arguments.values() if isinstance(arguments, Mapping) else arguments
    return _PLAIN.issuperset(map(type, fields.values())) and _PLAIN.issuperset(map(type, values))
