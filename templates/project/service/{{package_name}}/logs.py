"""How the processes log: one line an event, with fields.

    logger.info("charged", extra={"receipt": receipt})

Inside a request or a durable function every line carries what it belongs to as well: see :func:`about`.
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

from . import tracing
from .settings import Settings

CHATTY = ("alembic", "httpx", "resonate.connections", "resonate.validation", "uvicorn.error", "watchfiles")
# At DEBUG these log what they send and receive: requests and results, which may hold anybody's secret.
INDISCREET = ("aiosqlite", "resonate", "resonate_pg")

# uvicorn says its message a second time, in colour.
_NOT_FIELDS = {*RESERVED_ATTRS, "color_message"}
# What may stand in a text line as it is: neither what ends a line, nor what moves a terminal's cursor.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN = re.compile(r"[^\s\"=]+")
# Of what did not fit a model, pydantic's errors show the value.
_INPUT = re.compile(r"input_value=.*, input_type=")

_about: ContextVar[dict[str, Any] | None] = ContextVar("about", default=None)


def configure(settings: Settings) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(settings.log_format))
    handler.addFilter(add_fields)
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    quieten(settings.log_level)


def quieten(level: str) -> None:
    """Libraries that narrate every request only speak up when it matters, and none ever tells what is in one."""
    names, least = (INDISCREET, logging.INFO) if level == "DEBUG" else (CHATTY, logging.WARNING)
    for name in names:
        logging.getLogger(name).setLevel(max(least, logging.getLevelNamesMapping()[level]))


def formatter(log_format: str) -> logging.Formatter:
    """``json``: an object a line. ``text``: the same for the eye."""
    if log_format == "text":
        return TextFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    return JsonFormatter(
        "%(levelname)s %(name)s %(message)s",
        rename_fields={"levelname": "level", "name": "logger"},
        reserved_attrs=list(_NOT_FIELDS),
        timestamp="time",
    )


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Every line that is logged inside carries these fields, and those that :func:`note` adds on the way."""
    token = _about.set({**(_about.get() or {}), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def note(**fields: Any) -> bool:
    """Add fields to the lines of the request that this is called in, unless it has them; whether that is news."""
    known = _about.get()
    if known is None or fields.keys() <= known.keys():
        return False
    known.update({**fields, **known})
    return True


def add_fields(record: logging.LogRecord) -> bool:
    """A filter of handlers: what the line is about, and the span that it is in."""
    for name, value in {**(_about.get() or {}), **tracing.current_ids()}.items():
        record.__dict__.setdefault(name, value)
    return True


class Discreet(logging.Formatter):
    """Tracebacks without what a request held."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback that another handler has written into the record is none of this one's."""
        if record.exc_info:
            record = copy(record)
            record.exc_text = None
        return super().format(record)

    def formatException(self, ei: Any) -> str:
        """The traceback."""
        return _INPUT.sub("input_value=…, input_type=", super().formatException(ei))


class JsonFormatter(Discreet, PlainJsonFormatter):
    """An object a line."""


class TextFormatter(Discreet):
    """``message name=value …``, on one line whatever the values hold; a traceback stands below, indented.

    A field that the message itself names, as in ``"%(method)s …"``, is not said twice.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line."""
        said = record.args if isinstance(record.args, Mapping) else ()
        fields = {name: value for name, value in vars(record).items() if name not in _NOT_FIELDS and name not in said}
        line = _escape(super().formatMessage(record))
        return " ".join([line, *(f"{name}={_text(value)}" for name, value in fields.items())])

    def format(self, record: logging.LogRecord) -> str:
        """The line and what stands below, of which no line can pass for one of the log."""
        line, *below = super().format(record).split("\n")
        return "\n".join([line, *("    " + _escape(text) for text in below)])


def _escape(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _text(value: object) -> str:
    text = str(value)
    return _escape(text) if _PLAIN.fullmatch(text) else json.dumps(text)
