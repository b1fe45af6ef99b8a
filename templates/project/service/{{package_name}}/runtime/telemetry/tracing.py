"""OpenTelemetry traces: one trace for an HTTP request and all durable work that it starts, across processes.

Off unless the environment asks for it by OpenTelemetry's own variables: OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_TRACES_EXPORTER. Spans are sent by OTLP over HTTP. Only this module and
`spans` import OpenTelemetry, whose packages are the extra `otel`.

Spans that a service's own code makes (`opentelemetry.trace.get_tracer`) are children of the request's or the run's.

The trace context of a request travels in the tags of the job's root promise. Whatever runs under that root, in any
process, is a child of the request's span, in the order in which it ran: a workflow's run ends where it waits, so it
cannot be the parent of what comes later. Work that no traced request started (a schedule's) has a trace whose id is
derived from the root's id.
"""

import asyncio
import hashlib
import importlib.util
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_TAG = "traceparent"
_REMEMBERED = 1024

_provider: "TracerProvider | None" = None


def is_enabled() -> bool:
    """Whether this process traces."""
    return _provider is not None


def start(process: str) -> None:
    """Trace this process, if the environment asks for it, as service ``process`` or OTEL_SERVICE_NAME."""
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    wanted = exporter or ("otlp" if any(os.environ.get(name) for name in ENDPOINTS) else "none")
    if _provider is not None or wanted == "none" or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return
    if wanted not in ("otlp", "console"):
        logger.warning("no traces: OTEL_TRACES_EXPORTER is %r; known are otlp, console and none", wanted)
    elif not _installed("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"):
        logger.warning("no traces: OTEL_* asks for them, but the packages are missing: pip install '.[otel]'")
    else:
        set_provider(_provider_for(wanted, process))


def set_provider(provider: "TracerProvider | None") -> None:
    """Trace with this provider; None turns tracing off."""
    global _provider
    _provider = provider
    if provider is not None:
        from . import spans

        spans.install(lambda: _provider)


async def stop(seconds: float) -> None:
    """Send the spans that are left, within ``seconds``."""
    if _provider is None:
        return
    provider, loop, sent = _provider, asyncio.get_running_loop(), asyncio.Event()
    set_provider(None)

    def send() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # The loop was closed: nobody waits any more.
            loop.call_soon_threadsafe(sent.set)

    # The exporter may retry for longer than a stop may take, and no daemon thread is waited for at the end.
    threading.Thread(target=send, daemon=True).start()
    with suppress(TimeoutError):
        await asyncio.wait_for(sent.wait(), seconds)


def current_ids() -> dict[str, str]:
    """``trace_id`` and ``span_id`` of the current span, for log lines; empty without one."""
    if _provider is None:
        return {}
    from opentelemetry import trace

    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(span.trace_id), "span_id": trace.format_span_id(span.span_id)}


def context_tags() -> dict[str, str]:
    """The current trace context as a tag of a root promise."""
    carrier: dict[str, str] = {}
    if _provider is not None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        TraceContextTextMapPropagator().inject(carrier)
    # Without `tracestate`: it is long, and the client chooses what is in it.
    return {_TAG: carrier[_TAG]} if _TAG in carrier else {}


def link_span(tags: Mapping[str, str]) -> None:
    """Link the current span to the trace in the tags of a root promise, unless it is part of that trace."""
    if _provider is None or _TAG not in tags:
        return
    from opentelemetry import trace

    span, other = trace.get_current_span(), trace.get_current_span(_extract(tags)).get_span_context()
    if other.is_valid and other.trace_id != span.get_span_context().trace_id:
        span.add_link(other)


@contextmanager
def request_span(method: str, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[Callable[[str, int], None]]:
    """Open the span of an HTTP request, as a child of the client's `traceparent`.

    Yields a function to call with the route and the status of the response.
    """
    if _provider is None:
        yield lambda route, status: None
        return
    from opentelemetry.trace import SpanKind, StatusCode

    carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    with _span(method, _extract(carrier), SpanKind.SERVER, {"http.request.method": method}) as span:

        def set_response(route: str, status: int) -> None:
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.route": route, "http.response.status_code": status})
            if status >= 500:
                span.set_status(StatusCode.ERROR)

        yield set_response


@contextmanager
def run_span(
    name: str, parent: "Context | None", attributes: Mapping[str, Any]
) -> Iterator[Callable[[str, bool], None]]:
    """Open the span of one run of a durable function.

    Yields a function to call with the outcome, and whether that is an error.
    """
    if _provider is None:
        yield lambda outcome, error: None
        return
    from opentelemetry.trace import SpanKind, StatusCode

    with _span(name, parent, SpanKind.CONSUMER, attributes) as span:

        def set_outcome(outcome: str, error: bool) -> None:
            span.set_attribute("outcome", outcome)
            if error:
                span.set_status(StatusCode.ERROR)

        yield set_outcome


class RootTraces:
    """Finds the trace context of a root promise, and remembers the last 1,024.

    ``read_tags`` reads the tags of a promise by its id on the engine; None where they cannot be read now.
    """

    def __init__(self, read_tags: Callable[[str], Awaitable[Mapping[str, str] | None]]) -> None:
        self._read_tags = read_tags
        # Most recently used last: the calls of one job do not ask the engine each time.
        self._known: OrderedDict[str, str] = OrderedDict()

    async def parent_of(self, root: str) -> "Context":
        """The trace context under which everything of this root runs."""
        if root in self._known:
            self._known.move_to_end(root)
            return _extract({_TAG: self._known[root]})
        tags = await self._read_tags(root)
        digest = hashlib.sha256(root.encode()).hexdigest()
        parent = (tags or {}).get(_TAG) or f"00-{digest[:32]}-{digest[32:48]}-01"
        if tags is not None:
            self._known[root] = parent
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return _extract({_TAG: parent})


def _installed(*modules: str) -> bool:
    try:
        return all(importlib.util.find_spec(module) for module in modules)
    except ModuleNotFoundError:  # A package that one of them is in.
        return False


def _provider_for(exporter: str, process: str) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    from .spans import RedactingExporter

    name = os.environ.get("OTEL_SERVICE_NAME") or process
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}), shutdown_on_exit=False)
    exports = OTLPSpanExporter() if exporter == "otlp" else ConsoleSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(RedactingExporter(exports)))
    return provider


def _extract(carrier: Mapping[str, str]) -> "Context":
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract(carrier, context=Context())


@contextmanager
def _span(name: str, parent: "Context | None", kind: Any, attributes: Mapping[str, Any]) -> "Iterator[Span]":
    assert _provider is not None
    tracer = _provider.get_tracer(__name__)
    # The text of an exception may hold a secret: it goes into the log alone.
    with tracer.start_as_current_span(
        name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span
