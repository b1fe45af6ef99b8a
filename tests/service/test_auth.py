"""`http.auth`: API keys, and what each caller may see."""

from collections.abc import AsyncIterator
from functools import partial
from types import SimpleNamespace

import httpx
import pytest
from shop.runtime.http import auth, guesses
from shop.runtime.testing.running import RunningService, StartService, problem

from . import notes as note_routes, orders as order_routes
from .telemetry import Log

ALICE, BOB = {"Authorization": "Bearer secret1"}, {"Authorization": "Bearer secret2"}
ORDERS = "/customers/c-1/orders"


@pytest.fixture
async def service(start_service: StartService) -> AsyncIterator[RunningService]:
    """The service with two callers, and routes that ask for a key."""
    served = [*note_routes.SERVED, *order_routes.SERVED]
    async with start_service(served, api_keys="alice:secret1,bob:secret2") as service:
        note_routes.include(service.app)
        order_routes.include(service.app)
        yield service


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic secret1"}])
async def test_without_a_key_there_is_nothing_to_see(service: RunningService, headers: dict[str, str]) -> None:
    for response in (
        await service.http.post(f"{ORDERS}?number=1", headers={"Idempotency-Key": "k", **headers}),
        await service.http.get(f"{ORDERS}/alice.k", headers=headers),
        await service.http.put(f"{ORDERS}/1", headers=headers),
        await service.http.get("/customers/c-1/receipts/1", headers=headers),
        await service.http.post("/notes", json={}, headers=headers),
    ):
        assert problem(response) == (401, "unauthorized")
        assert response.headers["WWW-Authenticate"] == "Bearer"
    assert await service.client.find("order/alice.k") is None


async def test_the_key_is_asked_for_before_the_body_is_read(service: RunningService) -> None:
    broken = await service.http.post("/notes", content=b"{", headers={"Content-Type": "application/json"})
    assert problem(broken) == (401, "unauthorized")


async def test_headers_that_make_no_sense(service: RunningService) -> None:
    good = (b"Authorization", b"Bearer secret1")

    async def status(*headers: tuple[bytes, bytes]) -> int:
        sent = httpx.Headers([(b"Content-Type", b"application/json"), *headers])
        response = await service.http.post("/notes", content=b"{}", headers=sent)
        return response.status_code if response.status_code == 202 else problem(response)[0]

    for value in (b"", b"Bearer", b"Bearer ", b"Bearer \xff\xfe", b"bearer secret1 x", b"Bearer " + b"a" * 60_000):
        assert await status((b"Authorization", value)) == 401
    assert await status((b"Authorization", b"Bearer wrong"), good) == 401
    assert await status(good, (b"Authorization", b"Bearer wrong")) == 401
    assert await status(good, (b"Idempotency-Key", b"k" * 60_000)) == 400
    assert await status(good, (b"Idempotency-Key", b"a"), (b"Idempotency-Key", b"b")) == 400
    for prefer in (b"wait=" + b"9" * 60_000, b"wait=-1", b"\xff", b"wait=" * 10_000, b'wait="'):
        assert await status(good, (b"Prefer", prefer)) == 202


async def test_callers_have_work_of_their_own(service: RunningService) -> None:
    for caller, headers in (("alice", ALICE), ("bob", BOB)):
        response = await service.http.post(f"{ORDERS}?number=0", headers={"Idempotency-Key": "order-1", **headers})
        assert (response.status_code, response.json()["id"]) == (202, f"{caller}.order-1")
        assert "Idempotent-Replayed" not in response.headers
        await service.poll_until(
            partial(service.client.find, f"payment/order/{caller}.order-1"), "the order waits to be paid"
        )
    assert (await service.http.get(f"{ORDERS}/alice.order-1", headers=ALICE)).status_code == 200
    assert problem(await service.http.get(f"{ORDERS}/alice.order-1", headers=BOB)) == (404, "not-found")
    assert problem(await service.http.get(f"{ORDERS}/order-1", headers=ALICE)) == (404, "not-found")

    # An answer from outside is signed, and needs no key.
    answer = {"job_id": "alice.order-1", "paid": True}
    paid = await service.send_signed("/webhooks/payments", answer)
    assert (paid.status_code, paid.json()) == (200, answer)
    ended = await service.http.get(f"{ORDERS}/alice.order-1", headers={"Prefer": "wait=10", **ALICE})
    assert ended.json()["status"] == "succeeded"
    assert (await service.http.get(f"{ORDERS}/bob.order-1", headers=BOB)).json()["status"] == "running"


async def test_work_named_by_the_request_is_the_callers(service: RunningService) -> None:
    for headers in (ALICE, BOB):
        response = await service.http.put(f"{ORDERS}/1", headers=headers)
        assert (response.status_code, "Idempotent-Replayed" in response.headers) == (200, False)
    # The second is what the release before said, to clients that have kept it.
    for path in (f"{ORDERS}/alice.c-1,1", f"{ORDERS}/alice.c-1/1"):
        found = (await service.http.get(path, headers=ALICE)).json()
        assert (found["id"], found["status"]) == ("alice.c-1,1", "succeeded")
        assert problem(await service.http.get(path, headers=BOB)) == (404, "not-found")


async def test_work_named_by_the_request_alone_is_one_for_all(service: RunningService) -> None:
    """Also for a schedule or another workflow, which has no caller."""
    await order_routes.order.start(service.client, "shared/c-1/1", order_routes.Order(customer_id="c-1", number=1))
    for headers in (ALICE, BOB):
        response = await service.http.put("/customers/c-1/shared/1", headers=headers)
        assert (response.status_code, response.headers["Idempotent-Replayed"]) == (200, "true")
        location = response.headers["Location"]
        assert location == "/customers/c-1/shared/c-1,1"
        assert (await service.http.get(location, headers=headers)).json()["status"] == "succeeded"
    for other in ("alice.c-1,1", "c-1,2", "a%20b"):
        assert problem(await service.http.get(f"/customers/c-1/shared/{other}", headers=ALICE)) == (404, "not-found")


async def test_a_caller_may_hold_two_keys(start_service: StartService) -> None:
    async with start_service(order_routes.SERVED, api_keys="alice:secret1,bob:secret2,alice:secret3") as service:
        order_routes.include(service.app)
        for secret in ("secret1", "secret3"):
            headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "k"}
            response = await service.http.post(f"{ORDERS}?number=1", headers=headers)
            assert (response.status_code, response.json()["id"]) == (202, "alice.k")
        assert problem(await service.http.get(f"{ORDERS}/alice.k", headers=BOB)) == (404, "not-found")


# Guessing


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each wrong key was answered later."""
    paused: list[float] = []

    async def sleep(seconds: float) -> None:
        paused.append(seconds)

    monkeypatch.setattr(auth, "asyncio", SimpleNamespace(sleep=sleep))
    return paused


async def test_a_refusal_is_logged_with_its_address(service: RunningService, log: Log) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong-key"}):
        await service.http.post("/notes", json={}, headers=headers)
    await service.http.post("/notes", json={}, headers=ALICE)
    lines = log.lines(logger="shop.runtime.telemetry.requests", route="/notes")
    assert [(line["status"], line.get("client")) for line in lines] == [
        (401, "127.0.0.1"),
        (401, "127.0.0.1"),
        (202, None),
    ]
    assert "wrong-key" not in str(log.lines())


async def test_many_wrong_keys_are_answered_slowly(service: RunningService, impatient: list[float]) -> None:
    for number in range(guesses.FREE + 2):
        refused = await service.http.post("/notes", json={}, headers={"Authorization": f"Bearer guess-{number}"})
        assert problem(refused) == (401, "unauthorized")
    assert impatient == [0.0] * guesses.FREE + [guesses.PAUSE] * 2
    # Right ones are not, and a request without a key is no guess.
    assert (await service.http.post("/notes", json={}, headers=ALICE)).status_code == 202
    assert problem(await service.http.post("/notes", json={})) == (401, "unauthorized")
    assert len(impatient) == guesses.FREE + 2


def test_guesses_are_counted_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "FREE", 1)
    monkeypatch.setattr(guesses, "_MOST_ADDRESSES", 3)
    now = 0.0
    monkeypatch.setattr(guesses, "monotonic", lambda: now)
    counted = guesses.Guesses()

    def pauses(*addresses: str) -> list[bool]:
        return [counted.pause(address) > 0 for address in addresses]

    assert pauses("10.0.0.1", "10.0.0.2", "10.0.0.1", "::ffff:10.0.0.2") == [False, False, True, True]
    assert pauses("2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1") == [False, True, False]
    now = guesses.WINDOW + 1
    assert pauses("2001:db8::1", "2001:db8::1") == [False, True]
    # The one that guessed longest ago makes room.
    assert pauses("a", "b", "c", "2001:db8::1") == [False, False, False, False]
