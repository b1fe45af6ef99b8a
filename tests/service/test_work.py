"""`http.work`: submit and poll durable work, wait for it, read through it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from resonate.connections import LocalConnection
from resonate.types import PromiseRecord, Value
from shop.runtime.durable.ids import keyed
from shop.runtime.engine.client import EngineClient
from shop.runtime.engine.codec import failure_as_json
from shop.runtime.errors import EngineUnavailable, Failure, NotUnique
from shop.runtime.http import draining, work
from shop.runtime.http.problems import Problem
from shop.runtime.testing.running import RunningService, problem

from .orders import Order, Receipt, order

ORDERS = "/customers/c-1/orders"

# What is no id, or names no work.
UNKNOWN = ["unknown", "a:b", "a%20b", "%2e%2e", "a%00b", quote("ü"), "x" * 300]


async def submit(service: RunningService, key: str, number: int = 1) -> httpx.Response:
    return await service.http.post(f"{ORDERS}?number={number}", headers={"Idempotency-Key": key})


async def test_submit_and_poll(orders: RunningService) -> None:
    first = await submit(orders, "k")
    assert (first.status_code, first.headers["Location"]) == (202, f"{ORDERS}/k")
    assert first.json() == {"id": "k", "status": "running", "links": {"self": f"{ORDERS}/k"}}
    polled = await orders.http.get(f"{ORDERS}/k", headers={"Prefer": "wait=10"})
    assert polled.json() == {"id": "k", "status": "succeeded", "result": {"text": "c-1 ordered 1"}, "error": None}
    assert polled.headers["Preference-Applied"] == "wait=10"
    again = await submit(orders, "k")
    assert (again.headers["Idempotent-Replayed"], again.json()["status"]) == ("true", "succeeded")
    assert problem(await submit(orders, "k", number=2)) == (422, "idempotency-key-reused")


async def test_a_poll_waits_as_long_as_it_is_asked_to(orders: RunningService) -> None:
    await submit(orders, "k", number=0)
    for prefer, applied in (("respond-async, wait=0", "wait=0"), ('wait="0"', "wait=0"), ("handling=lenient", None)):
        polled = await orders.http.get(f"{ORDERS}/k", headers={"Prefer": prefer})
        assert (polled.status_code, polled.json()["status"]) == (200, "running")
        assert polled.headers.get("Preference-Applied") == applied


@pytest.mark.parametrize("public", UNKNOWN)
async def test_unknown_ids(orders: RunningService, public: str) -> None:
    assert problem(await orders.http.get(f"{ORDERS}/{public}")) == (404, "not-found")
    assert problem(await orders.send_signed("/webhooks/payments", {"job_id": public, "paid": True})) == (
        404,
        "not-found",
    )


async def test_work_of_another_customer_is_not_found(orders: RunningService) -> None:
    await submit(orders, "k")
    assert problem(await orders.http.get("/customers/c-2/orders/k")) == (404, "not-found")
    assert problem(await orders.http.get(f"{ORDERS}/l")) == (404, "not-found")


async def test_the_request_itself_names_the_work(orders: RunningService) -> None:
    first = await orders.http.put("/customers/€ 1/orders/1")
    assert (first.status_code, first.json()) == (200, {"text": "€ 1 ordered 1"})
    assert first.headers["Location"] == "/customers/%E2%82%AC%201/orders/~e2~82~ac~201,1"
    assert "Idempotent-Replayed" not in first.headers
    again = await orders.http.put("/customers/€ 1/orders/1", headers={"Idempotency-Key": "plays no part"})
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first.json())
    polled = await orders.http.get(first.headers["Location"])
    assert (polled.json()["id"], polled.json()["status"]) == ("~e2~82~ac~201,1", "succeeded")


async def test_of_many_at_once_one_is_the_first(orders: RunningService) -> None:
    responses = await asyncio.gather(*(orders.http.put(f"{ORDERS}/1") for _ in range(10)))
    assert {response.status_code for response in responses} == {200}
    assert sum("Idempotent-Replayed" not in response.headers for response in responses) == 1


async def test_work_that_takes_longer(orders: RunningService) -> None:
    slow = await orders.http.put(f"{ORDERS}/0", headers={"Prefer": "wait=0"})
    assert slow.status_code == 202, slow.text
    assert slow.json() == {"id": "c-1,0", "status": "running", "result": None, "error": None}
    assert (slow.headers["Location"], slow.headers["Preference-Applied"]) == (f"{ORDERS}/c-1,0", "wait=0")
    answer = {"job_id": "c-1,0", "paid": True}
    assert (await orders.send_signed("/webhooks/payments", answer)).json() == answer
    ended = await orders.http.put(f"{ORDERS}/0")
    assert (ended.status_code, ended.json()) == (200, {"text": "c-1 ordered 0"})


async def test_work_that_fails(orders: RunningService) -> None:
    failed = await orders.http.put(f"{ORDERS}/-1")
    assert problem(failed) == (404, "no-such-number")
    assert failed.json()["detail"] == "there is no such number"
    assert failed.headers["Location"] == f"{ORDERS}/c-1,-1"


async def test_reads_through_a_durable_function(orders: RunningService) -> None:
    for _ in range(2):
        response = await orders.http.get("/customers/c-1/receipts/5", headers={"Idempotency-Key": ""})
        assert (response.status_code, response.json()) == (200, {"text": "c-1 ordered 5"})
        assert "Idempotent-Replayed" not in response.headers
    failed = await orders.http.get("/customers/c-1/receipts/-1")
    assert problem(failed) == (404, "no-such-number")
    assert failed.json()["detail"] == "there is no such number"
    late = await orders.http.get("/customers/c-1/receipts/0?seconds=0.2")
    assert problem(late) == (504, "timed-out")
    assert late.json()["detail"] == "The work did not end within 0.2 s."
    assert problem(await orders.http.get("/customers/c-1/brief")) == (504, "timed-out")


async def test_who_is_told_of_no_ends_asks_once_a_second(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At first more often. Two hundred that wait are then two hundred requests a second, and not five hundred."""
    now, asked = 0.0, list[float]()
    record = PromiseRecord(id="job/1", state="pending", timeout_at=2**60)

    async def pass_time(seconds: float, until: object) -> None:
        nonlocal now
        assert until is None
        now += seconds

    async def find(*_: object) -> PromiseRecord:
        asked.append(now)
        return record

    monkeypatch.setattr(work, "monotonic", lambda: now)
    monkeypatch.setattr(draining, "sleep", pass_time)
    monkeypatch.setattr(EngineClient, "find", find)
    assert await work.wait_for_end(replace(service.client, ends=None), record, 22) is record
    assert now == 22
    assert 5 < sum(moment < 2 for moment in asked) <= 12
    pauses = [after - before for before, after in pairwise(moment for moment in asked if 2 < moment < 22)]
    assert len(pauses) > 15 and min(pauses) > 0.999


@pytest.fixture
async def silent(orders: RunningService, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningService]:
    """A service whose engine answers nothing."""

    async def refuse(*_: object) -> None:
        raise EngineUnavailable("it did not answer")

    for name in ("start", "find", "resolve"):
        monkeypatch.setattr(EngineClient, name, refuse)
    yield orders
    monkeypatch.undo()


async def test_an_engine_that_does_not_answer(silent: RunningService) -> None:
    keyed = await submit(silent, "order-1")
    assert problem(keyed) == (503, "engine-unavailable")
    assert (keyed.headers["Retry-After"], keyed.headers["Location"]) == ("5", f"{ORDERS}/order-1")
    new = await silent.http.post("/customers/c-1/drafts")
    assert problem(new) == (503, "engine-unavailable")
    assert new.headers["Location"].startswith(f"{ORDERS}/") and new.headers["Location"] != f"{ORDERS}/"
    for other in (
        await silent.http.get(f"{ORDERS}/order-1"),
        await silent.http.put(f"{ORDERS}/1"),
        await silent.http.get("/customers/c-1/receipts/5"),
        await silent.send_signed("/webhooks/payments", {"job_id": "order-1", "paid": True}),
    ):
        assert problem(other) == (503, "engine-unavailable")
        assert other.headers["Retry-After"] == "5"


async def test_an_engine_that_goes_away_while_a_request_waits(
    orders: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise EngineUnavailable("it did not answer")

    monkeypatch.setattr(EngineClient, "find", refuse)
    response = await orders.http.put(f"{ORDERS}/0")
    assert problem(response) == (503, "engine-unavailable")
    assert response.headers["Location"] == f"{ORDERS}/c-1,0"
    monkeypatch.undo()


async def test_a_durable_function_runs_to_its_end(orders: RunningService) -> None:
    assert await orders.run(order, "test/1", Order(customer_id="c-1", number=1)) == Receipt(text="c-1 ordered 1")
    with pytest.raises(pytest.fail.Exception, match="there is no such number"):
        await orders.run(order, "test/2", Order(customer_id="c-1", number=-1))


@pytest.mark.filterwarnings("error")
async def test_finished_work_is_answered_as_it_was_recorded(orders: RunningService) -> None:
    """An earlier release recorded results that today's model does not take: its fields had other names, and types."""
    network = orders.client.network
    assert isinstance(network, LocalConnection)

    def was(root: str, result: Any) -> None:
        encoded = orders.client.resonate.promises.codec.encode(result)
        network.state.promises[orders.client.namespace.engine_id(root)].value = {"headers": {}, "data": encoded.data}

    for recorded in ({"words": "ordered"}, {"text": 3}, {"text": None, "more": [1]}):
        await submit(orders, "k")
        await orders.http.get(f"{ORDERS}/k", headers={"Prefer": "wait=10"})
        was("order/k", recorded)
        polled = await orders.http.get(f"{ORDERS}/k")
        assert polled.status_code == 200
        assert polled.json() == {"id": "k", "status": "succeeded", "result": recorded, "error": None}
        first = await orders.http.put(f"{ORDERS}/7")
        assert first.status_code == 200
        was(keyed("order", "c-1", 7), recorded)
        again = await orders.http.put(f"{ORDERS}/7")
        assert (again.status_code, again.json()) == (200, recorded)
        assert again.headers["Location"] == first.headers["Location"]
        was(keyed("order", "c-1", 7), {"text": "c-1 ordered 7"})


def failed_with(failure: Failure) -> PromiseRecord:
    value = Value(data=failure_as_json(failure))
    return PromiseRecord(id="job/1", state="rejected", timeout_at=0, value=value)


class CardRefused(Failure):
    """Its client reads the reason; the status of a problem is not for an attribute to say."""

    public = ("reason", "status", "missing")
    reason: str

    def __init__(self, reason: str, score: int) -> None:
        super().__init__(f"declined: {reason}", status=402)
        self.reason, self.score = reason, score


def test_only_public_attributes_are_members_of_a_problem() -> None:
    outcome = work.Outcome.of(failed_with(CardRefused("expired", 12)))
    assert outcome.members == {"reason": "expired"}
    with pytest.raises(Problem) as raised:
        work._result(Receipt, failed_with(CardRefused("expired", 12)))
    told = json.loads(bytes(raised.value.response().body))
    assert (told["type"], told["status"], told["reason"], "score" in told) == ("card-refused", 402, "expired", False)
    assert work.Outcome.of(failed_with(NotUnique(["day", "number"]))).members == {"fields": ["day", "number"]}
    assert work.Outcome.of(failed_with(Failure("no"))).members == {}
