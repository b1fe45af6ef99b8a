"""Spans of the owner's own code and of instrumented libraries: they join the trace, and hold no secret of a URL.

It imports OpenTelemetry, so only `tracing` imports it, where there are traces.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, NoOpTracer, Span, Status, Tracer, TracerProvider

# It makes a span of each request, as this service does, with every query string.
_IGNORED = ("fastapi",)

_HIDDEN = "…"
# What may hold a secret: of URLs the query, the fragment, the user and the password; what follows Bearer; by their
# names, what headers and parameters hold.
_QUERY = re.compile(r"([a-z][a-z0-9+.-]*://[^\s?#'\"<>]*)[?#][^\s'\"<>]*", re.IGNORECASE)
_USER = re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/?#@'\"<>]+@", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[^\s,'\"]+", re.IGNORECASE)
_SECRET_NAME = re.compile(
    r"authorization|cookie|token|secret|passw|api.?key|signature|query_string|url\.query", re.IGNORECASE
)
_PATH_NAME = re.compile(r"\.(target|path)$")


def install(current: Callable[[], TracerProvider | None]) -> None:
    """Make `opentelemetry.trace.get_tracer` give tracers of the provider that ``current`` returns, None for no traces.

    It can be done once in a process. A provider of the owner's own that is installed already stays.
    """
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(_CurrentProvider(current))


class _CurrentProvider(TracerProvider):
    """Tracers of whichever provider this process has now."""

    def __init__(self, current: Callable[[], TracerProvider | None]) -> None:
        self._current = current

    def get_tracer(self, instrumenting_module_name: str, *arguments: Any, **options: Any) -> Tracer:
        if instrumenting_module_name in _IGNORED:
            return NoOpTracer()

        def tracer() -> Tracer:
            provider = self._current()
            if provider is None:
                return NoOpTracer()
            return provider.get_tracer(instrumenting_module_name, *arguments, **options)

        return _CurrentTracer(tracer)


class _CurrentTracer(Tracer):
    def __init__(self, tracer: Callable[[], Tracer]) -> None:
        self._tracer = tracer

    def start_span(self, name: str, *arguments: Any, **options: Any) -> Span:
        return self._tracer().start_span(name, *arguments, **options)

    def start_as_current_span(self, name: str, *arguments: Any, **options: Any) -> Any:
        return self._tracer().start_as_current_span(name, *arguments, **options)


class RedactingExporter(SpanExporter):
    """Exports spans without query strings, users and passwords of URLs, and tokens: whoever has made the span."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([redacted(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def redacted(span: ReadableSpan) -> ReadableSpan:
    """The span, without what may hold a secret."""
    return ReadableSpan(
        name=_clean(span.name),
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=_attributes(span.attributes),
        events=[Event(event.name, _attributes(event.attributes), event.timestamp) for event in span.events],
        links=[Link(link.context, _attributes(link.attributes)) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code, span.status.description and _clean(span.status.description)),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _attributes(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in (attributes or {}).items()}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_value(name, item) for item in value]
    if not isinstance(value, str):
        return value
    if _SECRET_NAME.search(name):
        return _HIDDEN
    return _clean(value.partition("?")[0] if _PATH_NAME.search(name) else value)


def _clean(text: str) -> str:
    return _BEARER.sub(rf"\1 {_HIDDEN}", _QUERY.sub(rf"\1?{_HIDDEN}", _USER.sub(rf"\1{_HIDDEN}@", text)))
