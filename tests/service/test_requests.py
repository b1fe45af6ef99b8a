"""`telemetry.requests`: the log line of an HTTP request."""

from shop.runtime.testing.running import SECRET, RunningService, StartService

from .telemetry import Log

LOGGER = "shop.runtime.telemetry.requests"


async def test_a_request_is_one_line_without_what_it_holds(start_service: StartService, log: Log) -> None:
    key = "secret-of-alice"
    async with start_service(api_keys=f"alice:{key}") as service:
        headers = {"Authorization": f"Bearer {key}", "X-Token": "confidential"}
        await service.http.post("/nowhere/private?token=confidential", headers=headers, content=b"confidential")
        await service.http.request("BREW", "/nowhere/private")
        await service.http.get("/readyz")
    post, brew, probe = log.lines(logger=LOGGER)
    assert post.items() >= {"method": "POST", "route": "unmatched", "status": 404, "level": "INFO"}.items()
    assert 0 <= post["duration_ms"] < 10_000
    assert brew.items() >= {"method": "other", "route": "unmatched"}.items()
    assert probe.items() >= {"method": "GET", "route": "/readyz", "status": 200, "level": "DEBUG"}.items()
    for leak in (key, SECRET, "confidential", "private", "BREW"):
        assert leak not in log.text


async def test_a_request_names_its_job(orders: RunningService, log: Log) -> None:
    orders_of = "/customers/c-1/orders"
    for number in (0, 0, 1):
        await orders.http.post(f"{orders_of}?number={number}", headers={"Idempotency-Key": "named"})
    await orders.poll_until(lambda: orders.client.find("payment/order/named"), "the order waits to be paid")
    await orders.send_signed("/webhooks/payments", {"job_id": "named", "paid": True})
    await orders.http.get(f"{orders_of}/named", headers={"Prefer": "wait=10"})
    await orders.http.get(f"{orders_of}/unknown")
    lines = log.lines(logger=LOGGER)
    assert [(line["method"], line["route"], line["status"], line.get("job")) for line in lines] == [
        ("POST", "/customers/{customer_id}/orders", 202, "shop/order/named"),
        ("POST", "/customers/{customer_id}/orders", 202, "shop/order/named"),
        ("POST", "/customers/{customer_id}/orders", 422, "shop/order/named"),
        ("POST", "/webhooks/payments", 200, "shop/order/named"),
        ("GET", "/customers/{customer_id}/orders/{id:path}", 200, "shop/order/named"),
        ("GET", "/customers/{customer_id}/orders/{id:path}", 404, None),
    ]
    assert "c-1" not in log.text
