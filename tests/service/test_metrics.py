"""`telemetry.metrics`: few labels, and no ids in them."""

from prometheus_client import REGISTRY
from shop.runtime.testing.running import RunningService

from .telemetry import counted


async def test_metrics_have_no_ids_and_few_labels(service: RunningService) -> None:
    requests = "http_server_request_duration_seconds_count"
    unmatched = {"route": "unmatched", "status": "404"}
    before = [counted(requests, method=method, **unmatched) for method in ("GET", "other")]
    for number in range(20):
        await service.http.get(f"/nowhere/unknown-{number}")
        await service.http.request(f"ODD{number}", "/nowhere")
    after = [counted(requests, method=method, **unmatched) for method in ("GET", "other")]
    assert after == [count + 20 for count in before]
    response = await service.http.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert 'engine_up{part="requests"} 1.0' in response.text
    assert "unknown-" not in response.text and "ODD" not in response.text
    assert "/metrics" not in (await service.http.get("/openapi.json")).text


async def test_the_outcomes_of_submissions(orders: RunningService) -> None:
    def submitted() -> dict[str, float]:
        names = ("new", "replayed", "reused")
        return {name: counted("jobs_submitted_total", function="order", outcome=name) for name in names}

    before, key = submitted(), {"Idempotency-Key": "counted"}
    for number in (1, 1, 2):
        await orders.http.post(f"/customers/c-1/orders?number={number}", headers=key)
    assert submitted() == {name: count + 1 for name, count in before.items()}


async def test_no_request_is_left_active(service: RunningService) -> None:
    assert "http_server_active_requests 1.0" in (await service.http.get("/metrics")).text
    assert REGISTRY.get_sample_value("http_server_active_requests") == 0
