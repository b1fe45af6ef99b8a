"""Warnings and errors that repeat are logged once, then counted: a line a minute says how often.

What repeats is said once a minute whatever its number, so that an outage is a few lines and not a disk full. Lines below
WARNING are never folded: what became of a job or a request is always there. Nor is what says that something changed, such
as the end of an outage: ``extra={"is_change": True}``.
"""

import logging
import threading
from copy import copy
from dataclasses import dataclass
from time import monotonic
from typing import Any, TextIO

INTERVAL = 60.0
"""Seconds for which a line's repetitions are counted and not written."""

MOST_KINDS = 1000
"""So many kinds of lines are told apart; where there are more, the oldest is forgotten."""

_RUNTIME = __name__.rpartition(".telemetry.")[0]
_SERVICE = _RUNTIME.rpartition(".")[0] or _RUNTIME


@dataclass(slots=True)
class _Kind:
    since: float
    last: logging.LogRecord
    count: int = 0


class FoldingHandler(logging.StreamHandler[TextIO]):
    """Writes a warning or an error at once, and its repetitions as one line with their number (``repeated``).

    That line comes :data:`INTERVAL` after the first, and again as long as there are more; also when the process stops.
    What counts as a repetition has the same logger, level and type of exception, and

    * in a library the same message before its values are put in: ``"connection to %s failed"``;
    * in this runtime the same, of the same job;
    * in the service's own code the same text, of the same job: that nothing which its owner says is lost.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._kinds: dict[tuple[Any, ...], _Kind] = {}
        self._timer: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it. The caller holds the handler's lock."""
        is_change = record.__dict__.pop("is_change", False)
        if record.levelno < logging.WARNING or is_change:
            super().emit(record)
            return
        now = monotonic()
        self._write_counts(now - INTERVAL)
        key = _kind_of(record)
        known = self._kinds.get(key)
        if known is not None:
            known.count, known.last = known.count + 1, _without_values(record)
            return
        if len(self._kinds) >= MOST_KINDS:
            self._write_count(self._kinds.pop(next(iter(self._kinds))), now)
        self._kinds[key] = _Kind(now, _without_values(record))
        super().emit(record)
        self._wait()

    def close(self) -> None:
        """Write what was counted, at the end of the process."""
        with self.lock or threading.RLock():
            if self._timer is not None:
                self._timer.cancel()
            for kind in self._kinds.values():
                self._write_count(kind, monotonic())
            self._kinds.clear()
        super().close()

    def _write_counts(self, before: float) -> None:
        """Write the counts of the kinds whose first line, or last count, was before a moment. Forget what is over."""
        now = monotonic()
        for key, kind in [(key, kind) for key, kind in self._kinds.items() if kind.since <= before]:
            if kind.count == 0:
                del self._kinds[key]
            self._write_count(kind, now)

    def _write_count(self, kind: _Kind, now: float) -> None:
        if kind.count == 0:
            return
        line, seconds = kind.last, now - kind.since
        line.msg, line.args = "%s (the last of %d more like it in %.0f s)", (line.msg, kind.count, seconds)
        line.__dict__["repeated"] = kind.count
        super().emit(line)
        kind.since, kind.count = now, 0

    def _wait(self) -> None:
        """Look again when the first interval that runs has ended."""
        if self._timer is None and self._kinds:
            first = min(kind.since for kind in self._kinds.values())
            self._timer = threading.Timer(max(first + INTERVAL - monotonic(), 0.01), self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        with self.lock or threading.RLock():
            self._timer = None
            self._write_counts(monotonic() - INTERVAL)
            self._wait()


def _without_values(record: logging.LogRecord) -> logging.LogRecord:
    """The record without its traceback and arguments: they would keep alive for a minute what they refer to."""
    line = copy(record)
    line.msg, line.args, line.exc_info, line.exc_text, line.stack_info = record.getMessage(), None, None, None, None
    return line


def _kind_of(record: logging.LogRecord) -> tuple[Any, ...]:
    raised = record.exc_info[0] if record.exc_info else None
    # `%s` alone says nothing before its value is put in.
    template = record.msg if isinstance(record.msg, str) and record.msg != "%s" else record.getMessage()
    known = (record.name, record.levelno, raised)
    if _is_below(record.name, _RUNTIME):
        return *known, template, getattr(record, "job", None)
    if _is_below(record.name, _SERVICE):
        return *known, record.getMessage(), getattr(record, "job", None)
    return *known, template, None


def _is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")
