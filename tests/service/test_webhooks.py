"""`http.webhooks`: signed messages from outside."""

from time import time
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends
from shop.runtime.http.auth import ClientDep
from shop.runtime.http.problems import Problem
from shop.runtime.http.signatures import FORMER, GITHUB, STRIPE, Hmac, Scheme, new_secret
from shop.runtime.http.webhooks import Signed, Webhook, deliver, find_root, webhooks_of
from shop.runtime.testing.running import RunningService, problem

from . import notes as note_routes, orders as order_routes
from .hooks import add_secret

PATH = "/webhooks/payments"
YES, NO = {"job_id": "c-1/0", "paid": True}, {"job_id": "c-1/0", "paid": False}


async def start_order(service: RunningService, number: int = 0) -> None:
    """An order, which waits to be paid where its number is 0."""
    await service.http.put(f"/customers/c-1/orders/{number}", headers={"Prefer": "wait=0"})


async def test_an_answer_holds(orders: RunningService) -> None:
    assert problem(await orders.send_signed(PATH, YES)) == (404, "not-found")
    assert problem(await orders.send_signed(PATH, {"job_id": "a..b", "paid": True})) == (404, "not-found")
    await start_order(orders)
    await orders.poll_until_asked(order_routes.payment, "order/c-1/0")
    for _ in range(2):
        assert (await orders.send_signed(PATH, YES)).json() == YES
    conflict = await orders.send_signed(PATH, NO)
    assert problem(conflict) == (409, "answered-otherwise")
    assert conflict.json()["answer"] == {"paid": True}


async def test_an_answer_may_follow_its_202_at_once(orders: RunningService) -> None:
    await start_order(orders)
    assert (await orders.send_signed(PATH, NO)).json() == NO
    assert problem(await orders.send_signed(PATH, YES)) == (409, "answered-otherwise")
    ended = await orders.http.put("/customers/c-1/orders/0", headers={"Prefer": "wait=10"})
    assert ended.status_code == 200, ended.text


async def test_a_signature_is_bound_to_the_work(orders: RunningService) -> None:
    """What was signed for one order answers no other, wherever and with whatever headers it is sent."""
    for customer in ("c-1", "c-2"):
        await orders.http.put(f"/customers/{customer}/orders/0", headers={"Prefer": "wait=0"})
    sent = await orders.send_signed(PATH, YES)
    signed = {name: value for name, value in sent.request.headers.items() if name.startswith("webhook-")}
    for other in ({**YES, "job_id": "c-2/0"}, {**YES, "other": "c-2/0"}, NO):
        assert problem(await orders.send_signed(PATH, other, headers=signed)) == (401, "bad-signature")
    for path, status in ((f"{PATH}/c-2/0", 404), (f"{PATH}?job_id=c-2/0", 200)):
        again = await orders.http.post(path, content=sent.request.content, headers=signed)
        assert again.status_code == status
    other_order = await orders.client.find("payment/order/c-2/0")
    assert other_order is None or other_order.state == "pending"


async def test_work_that_does_not_wait_is_told_from_work_that_is_not_there(orders: RunningService) -> None:
    await orders.http.put("/customers/c-1/orders/1")
    assert problem(await orders.send_signed(PATH, {**YES, "job_id": "c-1/1"})) == (410, "too-late")
    assert problem(await orders.send_signed(PATH, {**YES, "job_id": "c-1/2"})) == (404, "not-found")


async def test_an_answer_that_comes_too_late(orders: RunningService) -> None:
    await start_order(orders)
    await orders.poll_until_asked(order_routes.payment, "order/c-1/0")
    await orders.client.resolve("order/c-1/0", None)  # As if it had been canceled.
    assert problem(await orders.send_signed(PATH, YES)) == (410, "too-late")


async def test_signatures(orders: RunningService) -> None:
    await start_order(orders)
    bad = (401, "bad-signature")
    assert problem(await orders.send_signed(PATH, YES, secret=new_secret())) == bad
    assert problem(await orders.send_signed(PATH, YES, age=301)) == bad
    assert problem(await orders.send_signed(PATH, YES, age=-302)) == bad
    assert problem(await orders.send_signed(PATH, YES, headers={})) == bad
    for timestamp in (b"now", str(int(time())).encode()):
        junk = httpx.Headers({b"Webhook-Id": b"1", b"Webhook-Timestamp": timestamp, b"Webhook-Signature": b"\xfc"})
        assert problem(await orders.send_signed(PATH, YES, headers=junk)) == bad
    # What is wrong with a body, only its owner learns.
    assert problem(await orders.send_signed(PATH, {"paid": "perhaps"}, headers={})) == bad
    assert problem(await orders.send_signed(PATH, {"paid": "perhaps"})) == (422, "invalid-request")
    assert problem(await orders.send_signed(PATH, b"{")) == (422, "invalid-request")
    assert (await orders.send_signed(PATH, YES, age=290)).status_code == 200


async def test_each_webhook_has_secrets_of_its_own(orders: RunningService) -> None:
    note_routes.include(orders.app)
    old, new, notes = new_secret(), new_secret(), new_secret()
    add_secret(orders.app, "notes", notes)
    add_secret(orders.app, "payments", new, old)
    await start_order(orders)
    assert problem(await orders.send_signed(PATH, YES, secret=notes)) == (401, "bad-signature")
    assert problem(await orders.send_signed("/webhooks/notes", {}, secret=new)) == (401, "bad-signature")
    assert (await orders.send_signed("/webhooks/notes", {}, secret=notes)).status_code == 200
    for secret in (old, new):
        assert (await orders.send_signed(PATH, YES, secret=secret)).status_code == 200
    add_secret(orders.app, "payments", new)
    assert problem(await orders.send_signed(PATH, YES, secret=old)) == (401, "bad-signature")


@pytest.mark.parametrize("scheme", [GITHUB, STRIPE, FORMER, Hmac("X-Till-Signature")])
async def test_other_schemes(orders: RunningService, scheme: Scheme) -> None:
    webhook, router = Webhook("other", scheme), APIRouter()

    @router.post("/other", openapi_extra=webhook.takes(order_routes.Paid))
    async def take(signed: Annotated[Signed, Depends(webhook)], client: ClientDep) -> order_routes.Payment:
        sent = signed.parse(order_routes.Paid)
        answer = order_routes.Payment(paid=sent.paid)
        return await deliver(client, order_routes.payment, f"order/{sent.job_id}", answer, signed)

    orders.app.include_router(router)
    add_secret(orders.app, "other")
    await start_order(orders)
    assert problem(await orders.send_signed("/other", YES, secret=new_secret())) == (401, "bad-signature")
    assert problem(await orders.send_signed("/other", YES, headers={})) == (401, "bad-signature")
    assert (await orders.send_signed("/other", YES)).json() == {"paid": True}
    document = (await orders.http.get("/openapi.json")).json()
    parameters = document["paths"]["/other"]["post"]["parameters"]
    assert {parameter["name"] for parameter in parameters} == scheme.headers.keys()


async def test_work_is_found_by_whatever_its_ids_begin_with(orders: RunningService) -> None:
    """By its public id, however it was started; where two ways gave the same one, by that with its kind."""
    await start_order(orders)  # order/c-1/0
    kinds = ["order", "task"]
    for named in ("c-1/0", "order/c-1/0"):
        assert await find_root(orders.client, kinds, named) == "order/c-1/0"
        assert await find_root(orders.client, kinds[:1], named) == "order/c-1/0"
    await orders.client.create("task/c-1/0", None, orders.client.clock.now_ms() + 60_000)
    assert await find_root(orders.client, kinds, "task/c-1/0") == "task/c-1/0"
    with pytest.raises(Problem) as ambiguous:
        await find_root(orders.client, kinds, "c-1/0")
    assert (ambiguous.value.status_code, ambiguous.value.kind) == (409, "ambiguous-id")
    assert ambiguous.value.extra["ids"] == ["order/c-1/0", "task/c-1/0"]
    for unknown in ("c-1/7", "a..b", "other/c-1/0", ""):
        with pytest.raises(Problem) as missing:
            await find_root(orders.client, kinds, unknown)
        assert missing.value.status_code == 404


def test_which_routes_take_webhooks() -> None:
    def names(*routers: APIRouter) -> list[str]:
        return [webhook.name for webhook in webhooks_of(route for router in routers for route in router.routes)]

    assert names(order_routes.webhooks, note_routes.webhooks) == ["payments", "notes"]
    assert names(order_routes.router, note_routes.router) == []
    outer = APIRouter(prefix="/v1")
    outer.include_router(order_routes.webhooks)
    assert names(outer) == ["payments"]
