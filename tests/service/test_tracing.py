"""`telemetry.tracing`: one trace for a request and all durable work that it starts."""

import importlib.util
import logging
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, get_current_span
from resonate.context import Context
from shop.runtime.durable.rpc import serve
from shop.runtime.telemetry import tracing
from shop.runtime.telemetry.spans import RedactingExporter
from shop.runtime.testing.running import RunningService, StartService

from .outcomes import SERVED, Number, flaky, inner, outer
from .telemetry import Log, by_name, context_of, trace_of

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_durable_calls_are_in_the_trace_of_their_request(
    start_service: StartService, log: Log, spans: InMemorySpanExporter
) -> None:
    async with start_service(SERVED) as service:
        with tracing.request_span("POST", [(b"traceparent", PARENT.encode())]) as set_response:
            await service.run(outer, "job/traced", Number())
            set_response("/things", 202)
        # What no request started has one trace as well.
        await service.run(outer, "nightly/1", Number())
    found = by_name(spans)
    (request,) = found["POST /things"]
    assert trace_of(request) == PARENT.split("-")[1]
    assert request.parent is not None and format_span_id(request.parent.span_id) == PARENT.split("-")[2]
    for name, promise in ((outer.name, "shop/job/traced"), (inner.name, "shop/job/traced:1")):
        runs = [span for span in found[name] if (span.attributes or {})["resonate.promise"] == promise]
        assert {trace_of(span) for span in runs} == {trace_of(request)}
        assert {span.parent and span.parent.span_id for span in runs} == {context_of(request).span_id}
        last = dict(runs[-1].attributes or {})
        assert (last["outcome"], last["resonate.attempt"], last["resonate.job"]) == ("succeeded", 1, "shop/job/traced")
    durable = [span for name in (outer.name, inner.name) for span in found[name]]
    others = {trace_of(span) for span in durable if (span.attributes or {})["resonate.job"] == "shop/nightly/1"}
    assert len(others) == 1 and others != {trace_of(request)}
    (line,) = log.lines(function=inner.name, outcome="succeeded", job="shop/job/traced")
    assert line["trace_id"] == trace_of(request) and len(line["span_id"]) == 16


async def test_a_span_says_that_something_was_raised_and_not_what(
    start_service: StartService, spans: InMemorySpanExporter
) -> None:
    async with start_service(SERVED) as service:
        await service.outcome(flaky, "job/raises", Number(value=1))
    raised = by_name(spans)[flaky.name]
    assert [dict(span.attributes or {})["outcome"] for span in raised] == ["raised"] * 3
    for span in raised:
        assert not span.status.is_ok and "badly" not in span.to_json()


async def test_later_requests_link_to_the_trace_of_the_work(
    orders: RunningService, spans: InMemorySpanExporter
) -> None:
    path = "/customers/c-1/orders"
    for _ in range(2):
        await orders.http.post(f"{path}?number=0", headers={"Idempotency-Key": "k"})
    await orders.poll_until(lambda: orders.client.find("payment/order/k"), "the order waits to be paid")
    await orders.send_signed("/webhooks/payments", {"job_id": "k", "paid": True})
    await orders.http.get(f"{path}/k", headers={"Prefer": "wait=10"})
    await orders.http.get("/readyz")
    found = by_name(spans)
    assert "GET /readyz" not in found
    first, again = found["POST /customers/{customer_id}/orders"]
    (paid,) = found["POST /webhooks/payments"]
    assert {trace_of(span) for span in found["order"]} == {trace_of(first)}
    for later in (again, paid, *found["GET /customers/{customer_id}/orders/{id:path}"]):
        assert trace_of(later) != trace_of(first)
        assert [link.context.trace_id for link in later.links] == [context_of(first).trace_id]


async def test_the_traces_of_roots_are_remembered_once_they_were_read(spans: InMemorySpanExporter) -> None:
    reads: list[str] = []
    tags: dict[str, Mapping[str, str] | None] = {"known": {"traceparent": PARENT}, "untraced": {}, "away": None}

    async def read(root: str) -> Mapping[str, str] | None:
        reads.append(root)
        return tags[root]

    traces = tracing.RootTraces(read)
    for root in (*tags, *tags):
        context = get_current_span(await traces.parent_of(root)).get_span_context()
        assert context.is_valid
        assert (context.trace_id == int(PARENT.split("-")[1], 16)) is (root == "known")
    # An engine that was away is asked again.
    assert reads == ["known", "untraced", "away", "away"]


# Spans of the owner's own

tracer = trace.get_tracer("shop.own")


@serve(inner)
async def inner_with_spans(ctx: Context, request: Number) -> Number:
    with tracer.start_as_current_span("compute", attributes={"order": "o-1"}):
        return request


@tracer.start_as_current_span("decorated")
def decorated() -> None:
    trace.get_current_span().set_attribute("inside", True)


async def test_spans_of_the_owners_own_join_the_trace(
    start_service: StartService, spans: InMemorySpanExporter, log: Log
) -> None:
    async with start_service([inner_with_spans]) as service:

        @service.app.get("/own")
        async def own() -> None:
            trace.get_current_span().set_attribute("of.the.request", True)
            with tracer.start_as_current_span("own"):
                logging.getLogger("shop.own").info("said")
                decorated()

        await service.http.get("/own?token=confidential", headers={"traceparent": PARENT})
        await service.run(inner, "job/traced", Number())
    found = by_name(spans)
    (request,), (owns,), (below,) = found["GET /own"], found["own"], found["decorated"]
    assert {trace_of(span) for span in (request, owns, below)} == {PARENT.split("-")[1]}
    assert owns.parent is not None and owns.parent.span_id == context_of(request).span_id
    assert below.parent is not None and below.parent.span_id == context_of(owns).span_id
    assert (request.attributes or {})["of.the.request"] and (below.attributes or {})["inside"]
    (run,), (compute,) = found[inner.name], found["compute"]
    assert compute.parent is not None and compute.parent.span_id == context_of(run).span_id
    (line,) = log.lines(logger="shop.own")
    assert line["trace_id"] == trace_of(owns)
    # FastAPI makes none of its own, which would hold the query.
    assert set(found) == {"GET /own", "own", "decorated", inner.name, "compute"}
    assert "confidential" not in "".join(span.to_json() for span in spans.get_finished_spans())


def test_without_traces_spans_cost_nothing() -> None:
    tracing.set_provider(None)
    with tracer.start_as_current_span("own") as span:
        assert not span.is_recording()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("url.full", "https://user:secret1@host/a?token=secret1#secret1", "https://…@host/a?…"),
        ("http.url", "http://host/a", "http://host/a"),
        ("http.target", "/a?token=secret1", "/a"),
        ("url.query", "a=secret1", "…"),
        ("http.request.header.authorization", ["Bearer secret1"], ["…"]),
        ("http.request.header.x-api-key", ["secret1"], ["…"]),
        ("note", "sent Bearer secret1 to https://host/?a=secret1, twice", "sent Bearer … to https://host/?… twice"),
        ("db.url", "postgresql://shop:secret1@host/db", "postgresql://…@host/db"),
        ("order", "o-1", "o-1"),
        ("tokens", 7, 7),
    ],
)
def test_query_strings_and_tokens_stay_out(name: str, value: Any, expected: Any) -> None:
    exported = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(RedactingExporter(exported)))
    failure = "https://host/?token=secret1 said no"
    with (
        pytest.raises(ValueError, match="said no"),
        provider.get_tracer("shop.own").start_as_current_span("GET https://host/?a=secret1") as span,
    ):
        span.set_attribute(name, value)
        span.add_event("event", {name: value})
        raise ValueError(failure)
    (ended,) = exported.get_finished_spans()
    found = (ended.attributes or {})[name]
    assert (list(found) if isinstance(found, Sequence) and not isinstance(found, str) else found) == expected
    assert "secret1" not in ended.to_json()
    assert (ended.name, len(ended.events)) == ("GET https://host/?…", 2)


# Whether there are traces


@pytest.fixture
def no_otel(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Nothing asks for traces."""
    for name in (*tracing.ENDPOINTS, "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    tracing.set_provider(None)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        {"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
    ],
)
def test_no_traces_unless_they_are_asked_for(no_otel: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        no_otel.setenv(name, value)
    tracing.start("api")
    assert not tracing.is_enabled() and tracing.context_tags() == {} and tracing.current_ids() == {}


def test_traces_without_the_packages_are_one_warning(no_otel: pytest.MonkeyPatch, log: Log) -> None:
    no_otel.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    no_otel.setattr(importlib.util, "find_spec", lambda name: None)
    tracing.start("api")
    assert not tracing.is_enabled()
    (line,) = log.lines(level="WARNING")
    assert "pip install" in line["message"]


def test_an_unknown_exporter_is_one_warning(no_otel: pytest.MonkeyPatch, log: Log) -> None:
    no_otel.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    tracing.start("api")
    assert not tracing.is_enabled()
    (line,) = log.lines(level="WARNING")
    assert line["message"] == "no traces: OTEL_TRACES_EXPORTER is 'zipkin'; known are otlp, console and none"


async def test_a_collector_that_is_away_harms_nobody(no_otel: pytest.MonkeyPatch, start_service: StartService) -> None:
    no_otel.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
    async with start_service(SERVED, shutdown_grace=1) as service:
        assert tracing.is_enabled()
        assert (await service.run(outer, "job/untold", Number(value=1))).value == 2
        assert (await service.http.get("/readyz")).status_code == 200
        stopped = monotonic()
    assert monotonic() - stopped < 5 and not tracing.is_enabled()
