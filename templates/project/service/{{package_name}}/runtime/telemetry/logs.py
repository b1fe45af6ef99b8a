"""Logging to standard error: one line an event, with fields.

    logger.info("charged", extra={"receipt": receipt})

Inside a request or a durable function every line also carries what it belongs to: see :func:`log_context`. A warning or
an error that repeats is written once and then counted: see :class:`.repeats.FoldingHandler`.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter as PlainJsonFormatter

from . import replays, tracing
from .deferred import DeferringHandler
from .repeats import FoldingHandler

# Libraries that log every request: only their warnings are logged, unless LOG_LEVEL is DEBUG.
VERBOSE_LIBRARIES = ("alembic", "httpx", "resonate.connections", "resonate.validation", "uvicorn.error", "watchfiles")
# At DEBUG these log what they send and receive: requests and results, which may hold anybody's secret.
LIBRARIES_THAT_LOG_VALUES = ("aiosqlite", "resonate", "resonate_pg")

# uvicorn repeats its message in colour.
_NOT_FIELDS = {*RESERVED_ATTRS, "color_message"}
# Characters that end a line or move a terminal's cursor.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN = re.compile(r"[^\s\"=]+")
# pydantic's errors show the value that did not fit.
_INPUT = re.compile(r"input_value=.*, input_type=")

_context: ContextVar[dict[str, Any] | None] = ContextVar("log_context", default=None)


def configure(level: str, log_format: str) -> None:
    """Log to standard error. ``level`` is LOG_LEVEL, ``log_format`` LOG_FORMAT."""
    handler = FoldingHandler()
    handler.setFormatter(formatter(log_format))
    handler.addFilter(add_context)
    logging.basicConfig(level=level, handlers=[handler])
    set_library_levels(level)


def defer() -> None:
    """From now on format and write plain lines beside the work that they are about (see `deferred`): for the API."""
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler, FoldingHandler):
            root.removeHandler(handler)
            handler.removeFilter(add_context)
            deferring = DeferringHandler(handler)
            deferring.addFilter(add_context)
            root.addHandler(deferring)


def set_library_levels(level: str) -> None:
    """Keep libraries from logging every request, and, at any level, from logging values."""
    names, least = (
        (LIBRARIES_THAT_LOG_VALUES, logging.INFO) if level == "DEBUG" else (VERBOSE_LIBRARIES, logging.WARNING)
    )
    for name in names:
        logging.getLogger(name).setLevel(max(least, logging.getLevelNamesMapping()[level]))


def formatter(log_format: str) -> logging.Formatter:
    """``json``: one object a line. ``text``: the same for people."""
    if log_format == "text":
        return TextFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    return JsonFormatter(
        "%(levelname)s %(name)s %(message)s",
        rename_fields={"levelname": "level", "name": "logger"},
        reserved_attrs=list(_NOT_FIELDS),
        timestamp="time",
    )


@contextmanager
def log_context(**fields: Any) -> Iterator[None]:
    """Add these fields, and those of :func:`add_to_log_context`, to every line that is logged inside."""
    token = _context.set({**(_context.get() or {}), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def add_to_log_context(**fields: Any) -> bool:
    """Add fields to the lines of the current request or run; those that are there stay.

    Returns whether any of them was new.
    """
    known = _context.get()
    if known is None or fields.keys() <= known.keys():
        return False
    known.update({**fields, **known})
    return True


def from_log_context(name: str) -> Any:
    """A field of the lines of the current request or run; None where there is none of this name."""
    return (_context.get() or {}).get(name)


def add_context(record: logging.LogRecord) -> bool:
    """Filter for handlers: add the log context and the current span's ids to a record; leave out what is a replay's."""
    for name, value in {**(_context.get() or {}), **tracing.current_ids()}.items():
        record.__dict__.setdefault(name, value)
    return replays.is_written(record)


class RedactingFormatter(logging.Formatter):
    """Writes tracebacks without the values that pydantic quotes."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with a traceback of this formatter's own: another handler may have cached its text."""
        if record.exc_info:
            record = copy(record)
            record.exc_text = None
        return super().format(record)

    def formatException(self, ei: Any) -> str:
        """The traceback."""
        return _INPUT.sub("input_value=…, input_type=", super().formatException(ei))


class JsonFormatter(RedactingFormatter, PlainJsonFormatter):
    """One object a line."""


class TextFormatter(RedactingFormatter):
    """``message name=value …`` on one line, whatever the values hold; a traceback stands below, indented.

    A field that the message itself names, as in ``"%(method)s …"``, is not repeated.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line."""
        named = record.args if isinstance(record.args, Mapping) else ()
        fields = {name: value for name, value in vars(record).items() if name not in _NOT_FIELDS and name not in named}
        line = _escape(super().formatMessage(record))
        return " ".join([line, *(f"{name}={_text(value)}" for name, value in fields.items())])

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback indented, so that none of its lines looks like one of the log."""
        line, *below = super().format(record).split("\n")
        return "\n".join([line, *("    " + _escape(text) for text in below)])


def _escape(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _text(value: object) -> str:
    text = str(value)
    return _escape(text) if _PLAIN.fullmatch(text) else json.dumps(text)
