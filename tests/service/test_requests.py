"""`telemetry.requests`: the log line of an HTTP request."""

import asyncio
import logging
import re

import pytest
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


# The id of a request

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"X-Request-ID": "r-1"}, "r-1"),
        ({"X-Request-ID": "8f14e45f-ceea-467a-9e4d-8b5a7d0f2c11"}, "8f14e45f-ceea-467a-9e4d-8b5a7d0f2c11"),
        ({"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}, TRACE),
        ({"X-Request-ID": "r-1", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}, "r-1"),
        ({"X-Request-ID": "a b", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}, TRACE),
        ({}, None),
        ({"X-Request-ID": ""}, None),
        ({"X-Request-ID": "x" * 129}, None),
        ({"X-Request-ID": 'a"b'}, None),
        ({"X-Request-ID": "a=b c=d"}, None),
        ({"X-Request-ID": b"\xff"}, None),
        ({"traceparent": f"00-{'0' * 32}-b7ad6b7169203331-01"}, None),
        ({"traceparent": "nonsense"}, None),
    ],
)
async def test_a_request_has_an_id(
    orders: RunningService, log: Log, sent: dict[str, str], expected: str | None
) -> None:
    accepted = await orders.http.post("/customers/c-1/orders?number=1", headers={"Idempotency-Key": "k", **sent})
    given = accepted.headers["X-Request-ID"]
    assert given == expected or (expected is None and re.fullmatch("[0-9a-f]{32}", given))
    refused = await orders.http.get("/customers/c-1/orders/nothing", headers=sent)
    assert refused.json()["request_id"] == refused.headers["X-Request-ID"]
    assert expected in (None, refused.headers["X-Request-ID"])
    submitted, polled = log.lines(logger=LOGGER)
    assert (submitted["request_id"], polled["request_id"]) == (given, refused.headers["X-Request-ID"])


async def test_every_line_of_a_request_has_its_id(service: RunningService, log: Log) -> None:
    @service.app.get("/logs")
    async def logs_something() -> None:
        logging.getLogger("shop.own").info("said")

    await asyncio.gather(*(service.http.get("/logs", headers={"X-Request-ID": f"r-{number}"}) for number in range(5)))
    assert sorted(line["request_id"] for line in log.lines(logger="shop.own")) == [f"r-{number}" for number in range(5)]
    logging.getLogger("shop.own").info("afterwards")
    assert "request_id" not in log.lines(message="afterwards")[0]
