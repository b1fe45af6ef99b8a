"""Log lines, metrics and traces of a job."""

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from shop.runtime.testing.running import RunningService

from ..telemetry import Log, by_name, context_of, counted, trace_of

OUTCOMES = ("new", "replayed", "reused")
BODY = {"account_id": "acc-1", "requires_approval": True}


async def test_a_request_names_its_job(service: RunningService, log: Log) -> None:
    submitted = {name: counted("jobs_submitted_total", function="process-job", outcome=name) for name in OUTCOMES}
    for body in (BODY, BODY, {**BODY, "account_id": "acc-2"}):
        await service.http.post("/jobs", json=body, headers={"Idempotency-Key": "named"})
    await service.poll_until(lambda: service.client.find("approve/job/named"), "the job waits for its approval")
    await service.send_signed("/webhooks/approvals", {"job_id": "named", "approved": True})
    await service.http.get("/jobs/named", headers={"Prefer": "wait=10"})
    await service.http.get("/jobs/unknown")
    lines = log.lines(logger="shop.runtime.telemetry.requests")
    assert [(line["route"], line["status"], line.get("job")) for line in lines] == [
        ("/jobs", 202, "shop/job/named"),
        ("/jobs", 202, "shop/job/named"),
        ("/jobs", 422, "shop/job/named"),
        ("/webhooks/approvals", 200, "shop/job/named"),
        ("/jobs/{id}", 200, "shop/job/named"),
        ("/jobs/{id}", 404, None),
    ]
    for name, before in submitted.items():
        assert counted("jobs_submitted_total", function="process-job", outcome=name) == before + 1
    assert "acc-" not in log.text


async def test_a_job_is_one_trace_and_later_requests_link_to_it(
    service: RunningService, spans: InMemorySpanExporter
) -> None:
    for _ in range(2):
        await service.http.post("/jobs", json=BODY, headers={"Idempotency-Key": "one-trace"})
    await service.poll_until(lambda: service.client.find("approve/job/one-trace"), "the job waits for its approval")
    await service.send_signed("/webhooks/approvals", {"job_id": "one-trace", "approved": True})
    await service.http.get("/jobs/one-trace", headers={"Prefer": "wait=10"})
    await service.http.get("/readyz")
    found = by_name(spans)
    assert "GET /readyz" not in found
    first, again = found["POST /jobs"]
    (decision,) = found["POST /webhooks/approvals"]
    for name in ("process-job", "db.get_account", "db.save_result"):
        assert {trace_of(span) for span in found[name]} == {trace_of(first)}
    for later in (again, decision, *found["GET /jobs/{id}"]):
        assert trace_of(later) != trace_of(first)
        assert [link.context.trace_id for link in later.links] == [context_of(first).trace_id]
