"""Log lines, metrics and traces of requests and durable functions, with the whole service in this process."""

import asyncio
import importlib.util
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, format_span_id, format_trace_id
from prometheus_client import REGISTRY
from pydantic import BaseModel
from resonate.context import Context
from resonate.retry import Exponential

from {{ package_name }} import (
    logs,
    tracing,
)
from {{ package_name }}.rpc import (
    Failure,
    Rpc,
    serve,
)

from .conftest import SECRET, Service, Start

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FORGED = 'first\n{"level": "INFO"}\r\x1b[2J\u2028last'


class Number(BaseModel):
    """A request and a result."""

    value: int = 0


inner = Rpc(name="tests.inner", group="dev", request=Number, result=Number)
outer = Rpc(name="tests.outer", group="dev", request=Number, result=Number, version=3)
flaky = Rpc(name="tests.flaky", group="dev", request=Number, result=Number)
foreseen = Rpc(name="tests.foreseen", group="dev", request=Number, result=Number)


async def run_inner(ctx: Context, request: Number) -> Number:
    logging.getLogger("tests").info("inside", extra={"value": request.value})
    return Number(value=request.value + 1)


async def run_outer(ctx: Context, request: Number) -> Number:
    return await inner(ctx, request)


async def run_flaky(ctx: Context, request: Number) -> Number:
    raise RuntimeError(f"it went wrong:\nbadly with {request.value}")


async def run_foreseen(ctx: Context, request: Number) -> Number:
    raise Failure("there is none\nof them")


SERVED = [
    serve(inner, run_inner),
    serve(outer, run_outer),
    serve(foreseen, run_foreseen),
    replace(serve(flaky, run_flaky), retry=Exponential(delay=0, factor=1, max_delay=0, max_retries=2)),
]


class Log:
    """What the service has logged, in both formats."""

    def __init__(self) -> None:
        self.streams = {name: io.StringIO() for name in ("json", "text")}
        self.handlers = [logging.StreamHandler(stream) for stream in self.streams.values()]
        for handler, name in zip(self.handlers, self.streams, strict=True):
            handler.setFormatter(logs.formatter(name))
            handler.addFilter(logs.add_fields)

    @property
    def text(self) -> str:
        return self.streams["text"].getvalue()

    def lines(self, **wanted: Any) -> list[dict[str, Any]]:
        """The objects that have these fields; each line must be one."""
        objects = [json.loads(line) for line in self.streams["json"].getvalue().splitlines()]
        return [line for line in objects if wanted.items() <= line.items()]


@pytest.fixture
def log() -> Iterator[Log]:
    """At DEBUG, where most is said. (httpx is the tests' client.)"""
    log, root = Log(), logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", "httpx", *logs.INDISCREET)}
    root.setLevel(logging.DEBUG)
    logs.quieten("DEBUG")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for handler in log.handlers:
        root.addHandler(handler)
    yield log
    for handler in log.handlers:
        root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.use(None)


async def ends(service: Service, contract: Rpc[Number, Number], promise_id: str) -> None:
    """Run a durable function to its end, whatever that is."""
    await service.engine.start_workflow(contract, promise_id, Number(value=1), timedelta(seconds=60), {})

    async def ended() -> bool:
        record = await service.engine.find(promise_id)
        return record is not None and record.state != "pending"

    await service.eventually(ended)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


# Log lines


def test_one_event_is_one_line_whatever_it_says(log: Log) -> None:
    try:
        raise RuntimeError(FORGED)
    except RuntimeError:
        logging.getLogger("tests").exception("caught %s", FORGED, extra={"field": FORGED, "spaced": "a b=c"})
    (line,) = log.lines()
    assert (line["message"], line["field"], line["logger"]) == (f"caught {FORGED}", FORGED, "tests")
    assert "RuntimeError" in line["exc_info"] and line["level"] == "ERROR" and line["time"].endswith("+00:00")
    first, *traceback = log.text.removesuffix("\n").split("\n")
    assert first.endswith(r'spaced="a b=c"') and r"caught first\x0a{" in first
    # What an exception says in several lines stays below its own line.
    assert len(traceback) > 3 and all(below.startswith("    ") for below in traceback)
    assert not any(sign in log.text for sign in "\r\x1b\u2028")


async def test_a_durable_function_says_what_it_did(start: Start, log: Log) -> None:
    async with start(served=SERVED) as service:
        await service.run(outer, "job/says", Number(value=41))
    both = {"job": "job/says", "attempt": 1}
    (done,) = log.lines(function="tests.outer", outcome="done")
    assert done.items() >= {**both, "promise": "job/says", "version": 3, "level": "INFO"}.items()
    assert 0 <= done["duration_ms"] < 10_000
    (called,) = log.lines(function="tests.inner", outcome="done")
    assert called.items() >= {**both, "promise": "job/says:1", "version": 1}.items()
    assert all(line["level"] == "DEBUG" for line in log.lines(outcome="suspended"))
    # So do the lines of the function itself.
    (inside,) = log.lines(message="inside")
    assert inside.items() >= {**both, "promise": "job/says:1", "function": "tests.inner", "value": 41}.items()
    assert "tests.outer done outcome=" not in log.text and "tests.outer done duration_ms=" in log.text


async def test_attempts_are_counted_and_failures_told_apart(start: Start, log: Log) -> None:
    runs = "durable_function_duration_seconds_count"
    before = counted(runs, function=flaky.name, outcome="raised")
    async with start(served=SERVED) as service:
        await asyncio.gather(ends(service, flaky, "job/flaky"), ends(service, foreseen, "job/foreseen"))
    raised = log.lines(function=flaky.name, outcome="raised")
    assert [line["attempt"] for line in raised] == [1, 2, 3]
    assert all(line["level"] == "ERROR" and "badly with 1" in line["exc_info"] for line in raised)
    assert counted(runs, function=flaky.name, outcome="raised") == before + 3
    (failed,) = log.lines(function=foreseen.name, outcome="failed")
    assert (failed["level"], failed["message"]) == ("INFO", "tests.foreseen failed")
    assert counted("durable_function_active_runs", function=flaky.name) == 0
    assert "of them" not in log.text


def test_what_did_not_fit_is_not_shown(log: Log) -> None:
    """pydantic's errors quote it, and it may be of a request."""
    request = {"value": "-".join(["not", "for", "logs, input_type=\n"])}
    try:
        Number.model_validate(request)
    except ValueError:
        logging.getLogger("tests").exception("caught")
    (line,) = log.lines()
    assert "Input should be a valid integer" in line["exc_info"] and "Input should be a valid integer" in log.text
    assert "not-for-logs" not in line["exc_info"] + log.text


async def test_a_request_is_one_line_without_what_it_holds(start: Start, log: Log) -> None:
    key = "secret-of-alice"
    async with start(api_keys=f"alice:{key}") as service:
        headers = {"Authorization": f"Bearer {key}", "X-Token": "confidential"}
        await service.http.post("/nowhere/private?token=confidential", headers=headers, content=b"confidential")
        await service.http.request("BREW", "/nowhere/private")
        await service.http.get("/readyz")
    post, brew, probe = log.lines(logger="{{ package_name }}.api.observed")
    assert post.items() >= {"method": "POST", "route": "unmatched", "status": 404, "level": "INFO"}.items()
    assert brew.items() >= {"method": "other", "route": "unmatched"}.items()
    assert probe.items() >= {"method": "GET", "route": "/readyz", "status": 200, "level": "DEBUG"}.items()
    for leak in (key, SECRET, "confidential", "private", "BREW"):
        assert leak not in log.text
{%- if not bare %}


async def test_a_request_says_which_job_it_is_about(service: Service, log: Log) -> None:
    submitted = {name: counted("jobs_submitted_total", function="process-job", outcome=name) for name in OUTCOMES}
    body, headers = {"account_id": "acc-1", "requires_approval": True}, {"Idempotency-Key": "named"}
    for asked in (body, body, {**body, "account_id": "acc-2"}):
        await service.http.post("/jobs", json=asked, headers=headers)
    await service.eventually(lambda: service.engine.find("approve/named"))
    await service.send_signed("/webhooks/approvals/named", {"approved": True})
    await service.http.get("/jobs/named", headers={"Prefer": "wait=10"})
    await service.http.get("/jobs/unknown")
    lines = log.lines(logger="{{ package_name }}.api.observed")
    assert [(line["route"], line["status"], line.get("job")) for line in lines] == [
        ("/jobs", 202, "job/named"),
        ("/jobs", 202, "job/named"),
        ("/jobs", 422, "job/named"),
        ("/webhooks/approvals/{id}", 200, "job/named"),
        ("/jobs/{id}", 200, "job/named"),
        ("/jobs/{id}", 404, None),
    ]
    for name, before in submitted.items():
        assert counted("jobs_submitted_total", function="process-job", outcome=name) == before + 1
    assert "acc-" not in log.text


OUTCOMES = ("new", "replayed", "reused")
{%- endif %}


# Metrics


async def test_metrics_have_no_ids_and_few_labels(service: Service) -> None:
    requests = "http_server_request_duration_seconds_count"
    unmatched = {"route": "unmatched", "status": "404"}
    before = [counted(requests, method=method, **unmatched) for method in ("GET", "other")]
    for number in range(20):
        await service.http.get(f"/nowhere/unknown-{number}")
        await service.http.request(f"ODD{number}", "/nowhere")
    after = [counted(requests, method=method, **unmatched) for method in ("GET", "other")]
    assert after == [count + 20 for count in before]
    answer = await service.http.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert 'engine_up{part="requests"} 1.0' in answer.text
    assert "unknown-" not in answer.text and "ODD" not in answer.text
    assert "/metrics" not in (await service.http.get("/openapi.json")).text


async def test_an_engine_that_does_not_answer_is_seen(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    unavailable = counted("engine_request_duration_seconds_count", outcome="unavailable")
    async with start() as service:

        async def never(promise_id: str) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr("{{ package_name }}.engine.PROBED_WITHIN", 0.05)
        monkeypatch.setattr(service.engine.resonate.promises, "get", never)
        assert 'engine_up{part="requests"} 0.0' in (await service.http.get("/metrics")).text
        assert (await service.http.get("/readyz")).status_code == 503
    assert counted("engine_request_duration_seconds_count", outcome="unavailable") == unavailable + 2


# Traces


def by_name(spans: InMemorySpanExporter) -> dict[str, list[ReadableSpan]]:
    found: dict[str, list[ReadableSpan]] = {}
    for span in spans.get_finished_spans():
        found.setdefault(span.name, []).append(span)
    return found


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def trace_of(span: ReadableSpan) -> str:
    return format_trace_id(context_of(span).trace_id)


async def test_durable_calls_are_in_the_trace_of_their_request(
    start: Start, log: Log, spans: InMemorySpanExporter
) -> None:
    async with start(served=SERVED) as service:
        with tracing.request("POST", [(b"traceparent", PARENT.encode())]) as answered:
            await service.run(outer, "job/traced", Number())
            answered("/things", 202)
        # What no request started has one trace as well.
        await service.run(outer, "nightly/1", Number())
    found = by_name(spans)
    (request,) = found["POST /things"]
    assert trace_of(request) == PARENT.split("-")[1]
    assert request.parent is not None and format_span_id(request.parent.span_id) == PARENT.split("-")[2]
    for name, promise in ((outer.name, "job/traced"), (inner.name, "job/traced:1")):
        runs = [span for span in found[name] if (span.attributes or {})["resonate.promise"] == promise]
        assert {trace_of(span) for span in runs} == {trace_of(request)}
        assert {span.parent and span.parent.span_id for span in runs} == {context_of(request).span_id}
        last = dict(runs[-1].attributes or {})
        assert (last["outcome"], last["resonate.attempt"], last["resonate.job"]) == ("done", 1, "job/traced")
    durable = [span for name in (outer.name, inner.name) for span in found[name]]
    others = {trace_of(span) for span in durable if (span.attributes or {})["resonate.job"] == "nightly/1"}
    assert len(others) == 1 and others != {trace_of(request)}
    (line,) = log.lines(function=inner.name, outcome="done", job="job/traced")
    assert line["trace_id"] == trace_of(request) and len(line["span_id"]) == 16


async def test_a_span_says_that_something_was_raised_and_not_what(start: Start, spans: InMemorySpanExporter) -> None:
    async with start(served=SERVED) as service:
        await ends(service, flaky, "job/raises")
    raised = by_name(spans)[flaky.name]
    assert [dict(span.attributes or {})["outcome"] for span in raised] == ["raised"] * 3
    for span in raised:
        assert not span.status.is_ok and "badly" not in span.to_json()
{%- if not bare %}


async def test_a_job_is_one_trace_and_later_requests_link_to_it(service: Service, spans: InMemorySpanExporter) -> None:
    body, headers = {"account_id": "acc-1", "requires_approval": True}, {"Idempotency-Key": "one-trace"}
    for _ in range(2):
        await service.http.post("/jobs", json=body, headers=headers)
    await service.eventually(lambda: service.engine.find("approve/one-trace"))
    await service.send_signed("/webhooks/approvals/one-trace", {"approved": True})
    await service.http.get("/jobs/one-trace", headers={"Prefer": "wait=10"})
    await service.http.get("/readyz")
    found = by_name(spans)
    assert "GET /readyz" not in found
    first, again = found["POST /jobs"]
    (decision,) = found["POST /webhooks/approvals/{id}"]
    for name in ("process-job", "db.get_account", "db.save_result"):
        assert {trace_of(span) for span in found[name]} == {trace_of(first)}
    for later in (again, decision, *found["GET /jobs/{id}"]):
        assert trace_of(later) != trace_of(first)
        assert [link.context.trace_id for link in later.links] == [context_of(first).trace_id]
{%- endif %}


@pytest.fixture
def no_otel(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Nothing asks for traces."""
    for name in (*tracing.ENDPOINTS, "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    tracing.use(None)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        {"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
    ],
)
def test_no_traces_unless_asked_for(no_otel: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        no_otel.setenv(name, value)
    tracing.start("api")
    assert not tracing.is_on() and tracing.tags() == {} and tracing.current_ids() == {}


def test_traces_without_the_packages_are_one_warning(no_otel: pytest.MonkeyPatch, log: Log) -> None:
    no_otel.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    no_otel.setattr(importlib.util, "find_spec", lambda name: None)
    tracing.start("api")
    assert not tracing.is_on()
    (line,) = log.lines(level="WARNING")
    assert "pip install" in line["message"]


async def test_a_collector_that_is_away_harms_nobody(no_otel: pytest.MonkeyPatch, start: Start) -> None:
    no_otel.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
    async with start(served=SERVED, shutdown_grace=1) as service:
        assert tracing.is_on()
        assert (await service.run(outer, "job/untold", Number(value=1))).value == 2
        assert (await service.http.get("/readyz")).status_code == 200
        begun = monotonic()
    assert monotonic() - begun < 5 and not tracing.is_on()
