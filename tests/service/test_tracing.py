"""`telemetry.tracing`: one trace for a request and all durable work that it starts."""

import importlib.util
from collections.abc import Iterator, Mapping
from time import monotonic

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, get_current_span
from shop.runtime.telemetry import tracing
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
        assert (last["outcome"], last["resonate.attempt"], last["resonate.job"]) == ("done", 1, "shop/job/traced")
    durable = [span for name in (outer.name, inner.name) for span in found[name]]
    others = {trace_of(span) for span in durable if (span.attributes or {})["resonate.job"] == "shop/nightly/1"}
    assert len(others) == 1 and others != {trace_of(request)}
    (line,) = log.lines(function=inner.name, outcome="done", job="shop/job/traced")
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
