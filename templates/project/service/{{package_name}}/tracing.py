"""OpenTelemetry traces: one for an HTTP request and all the durable work that it starts, across processes.

Off unless the environment asks for it by OpenTelemetry's own variables: OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_TRACES_EXPORTER. They are sent by OTLP over HTTP. Only this module knows
OpenTelemetry, whose packages are the extra `otel`.

The trace context of a request travels in the tags of the work's root promise. What runs under that root, in whatever
process, hangs below the request's span, in the order in which it ran: a workflow's run ends where it waits, so that
it cannot be the parent of what comes later. Work that no traced request started (a schedule's) has a trace that
follows from its id.
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

_PACKAGE = __name__.partition(".")[0]
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_TAG = "traceparent"
_REMEMBERED = 1024

_provider: "TracerProvider | None" = None


def is_on() -> bool:
    """Whether this process traces."""
    return _provider is not None


def start(group: str) -> None:
    """Trace this process, if the environment asks for it, as service ``<service>-<group>`` or OTEL_SERVICE_NAME."""
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    wanted = exporter or ("otlp" if any(os.environ.get(name) for name in ENDPOINTS) else "none")
    if _provider is not None or wanted == "none" or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return
    if wanted not in ("otlp", "console"):
        logger.warning("no traces: OTEL_TRACES_EXPORTER is %r, and this service knows otlp, console and none", wanted)
    elif not _installed("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"):
        logger.warning("no traces: OTEL_* asks for them, but the packages are missing: pip install '.[otel]'")
    else:
        use(_provider_for(wanted, group))


def use(provider: "TracerProvider | None") -> None:
    """Trace with this provider; None: not at all."""
    global _provider
    _provider = provider


async def stop(seconds: float) -> None:
    """Send what is left, for so many seconds at most."""
    if _provider is None:
        return
    provider, loop, sent = _provider, asyncio.get_running_loop(), asyncio.Event()
    use(None)

    def send() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # The loop was closed: nobody waits any more.
            loop.call_soon_threadsafe(sent.set)

    # The exporter may keep trying for longer than a stop may take, and no daemon thread is waited for at the end.
    threading.Thread(target=send, daemon=True).start()
    with suppress(TimeoutError):
        await asyncio.wait_for(sent.wait(), seconds)


def current_ids() -> dict[str, str]:
    """The ids of the current span, for log lines."""
    if _provider is None:
        return {}
    from opentelemetry import trace

    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(span.trace_id), "span_id": trace.format_span_id(span.span_id)}


def tags() -> dict[str, str]:
    """The current trace context, as a tag of a root promise."""
    carrier: dict[str, str] = {}
    if _provider is not None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        TraceContextTextMapPropagator().inject(carrier)
    # Without `tracestate`, which is long, and anybody's to choose.
    return {_TAG: carrier[_TAG]} if _TAG in carrier else {}


def link(tags: Mapping[str, str]) -> None:
    """Link the current span with the trace in the tags of a root promise, unless it is the same trace."""
    if _provider is None or _TAG not in tags:
        return
    from opentelemetry import trace

    span, other = trace.get_current_span(), trace.get_current_span(_extract(tags)).get_span_context()
    if other.is_valid and other.trace_id != span.get_span_context().trace_id:
        span.add_link(other)


@contextmanager
def request(method: str, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[Callable[[str, int], None]]:
    """A span of an HTTP request, below the caller's `traceparent`. Call what it yields with the route and status."""
    if _provider is None:
        yield lambda route, status: None
        return
    from opentelemetry.trace import SpanKind, StatusCode

    carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    with _span(method, _extract(carrier), SpanKind.SERVER, {"http.request.method": method}) as span:

        def answered(route: str, status: int) -> None:
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.route": route, "http.response.status_code": status})
            if status >= 500:
                span.set_status(StatusCode.ERROR)

        yield answered


@contextmanager
def run(name: str, parent: "Context | None", attributes: Mapping[str, Any]) -> Iterator[Callable[[str, bool], None]]:
    """A span of one run of a durable function. Call what it yields with the outcome, and whether that is an error."""
    if _provider is None:
        yield lambda outcome, error: None
        return
    from opentelemetry.trace import SpanKind, StatusCode

    with _span(name, parent, SpanKind.CONSUMER, attributes) as span:

        def ended(outcome: str, error: bool) -> None:
            span.set_attribute("outcome", outcome)
            if error:
                span.set_status(StatusCode.ERROR)

        yield ended


class Roots:
    """Finds the trace that a root belongs to. ``read_tags`` reads a promise's tags; None when they cannot be read."""

    def __init__(self, read_tags: Callable[[str], Awaitable[Mapping[str, str] | None]]) -> None:
        self._read_tags = read_tags
        # Most recently used last: a job's calls find it without asking the engine each time.
        self._known: OrderedDict[str, str] = OrderedDict()

    async def parent_of(self, root: str) -> "Context":
        """The trace context of what runs under this root."""
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


def _provider_for(exporter: str, group: str) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    name = os.environ.get("OTEL_SERVICE_NAME") or f"{_PACKAGE.replace('_', '-')}-{group}"
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter() if exporter == "otlp" else ConsoleSpanExporter()))
    # It is not made OpenTelemetry's global one: FastAPI would add spans of its own, with every query string.
    return provider


def _extract(carrier: Mapping[str, str]) -> "Context":
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract(carrier, context=Context())


@contextmanager
def _span(name: str, parent: "Context | None", kind: Any, attributes: Mapping[str, Any]) -> "Iterator[Span]":
    assert _provider is not None
    tracer = _provider.get_tracer(_PACKAGE)
    # What an exception says may be a secret: the log has it, a trace only says that there was one.
    with tracer.start_as_current_span(
        name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span
