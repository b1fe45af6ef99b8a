"""What a service logs, counts and traces, for tests to read."""

import io
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, format_trace_id
from prometheus_client import REGISTRY
from shop.runtime.telemetry import logs


class Log:
    """The lines of a log, in both formats."""

    def __init__(self) -> None:
        self.streams = {name: io.StringIO() for name in ("json", "text")}
        self.handlers = [logging.StreamHandler(stream) for stream in self.streams.values()]
        for handler, name in zip(self.handlers, self.streams, strict=True):
            handler.setFormatter(logs.formatter(name))
            handler.addFilter(logs.add_context)

    @property
    def text(self) -> str:
        """The lines for people."""
        return self.streams["text"].getvalue()

    def lines(self, **wanted: Any) -> list[dict[str, Any]]:
        """The lines for machines that have these fields; each line must be one JSON object."""
        objects = [json.loads(line) for line in self.streams["json"].getvalue().splitlines()]
        return [line for line in objects if wanted.items() <= line.items()]


@contextmanager
def logging_at_debug() -> Iterator[Log]:
    """Log at DEBUG, where most is logged; httpx is left out, because here it is the tests' client."""
    log, root = Log(), logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", "httpx", *logs.LIBRARIES_THAT_LOG_VALUES)}
    root.setLevel(logging.DEBUG)
    logs.set_library_levels("DEBUG")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for handler in log.handlers:
        root.addHandler(handler)
    try:
        yield log
    finally:
        for handler in log.handlers:
            root.removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def all_of(records: Sequence[logging.LogRecord]) -> str:
    """All that log records hold, also what the service's own formats leave out."""
    formatter = logging.Formatter()
    return "\n".join(f"{formatter.format(record)} {vars(record)}" for record in records)


def counted(name: str, **labels: str) -> float:
    """The value of a metric."""
    return REGISTRY.get_sample_value(name, labels) or 0


def by_name(spans: InMemorySpanExporter) -> dict[str, list[ReadableSpan]]:
    """The spans that have ended, by name."""
    found: dict[str, list[ReadableSpan]] = {}
    for span in spans.get_finished_spans():
        found.setdefault(span.name, []).append(span)
    return found


def context_of(span: ReadableSpan) -> SpanContext:
    """The ids of a span."""
    context = span.get_span_context()
    assert context is not None
    return context


def trace_of(span: ReadableSpan) -> str:
    """The id of a span's trace, in hex."""
    return format_trace_id(context_of(span).trace_id)
