"""`http.webhooks`: signed answers from outside."""

from time import time

import httpx
from fastapi import APIRouter
from shop.runtime.http.webhooks import is_signed
from shop.runtime.testing.running import RunningService, problem

from . import notes as note_routes, orders as order_routes

PATH, YES = "/webhooks/payments/c-1/0", {"paid": True}


async def start_order(service: RunningService) -> None:
    """An order that waits to be paid."""
    await service.http.put("/customers/c-1/orders/0", headers={"Prefer": "wait=0"})
    await service.poll_until(lambda: service.client.find("payment/c-1/0"), "the order waits to be paid")


async def test_an_answer_holds(orders: RunningService) -> None:
    assert problem(await orders.send_signed("/webhooks/payments/a..b", YES)) == (404, "not-found")
    assert problem(await orders.send_signed(PATH, YES)) == (404, "not-waiting")
    await start_order(orders)
    for _ in range(2):
        assert (await orders.send_signed(PATH, YES)).json() == {"paid": True}
    conflict = await orders.send_signed(PATH, {"paid": False})
    assert problem(conflict) == (409, "answered-otherwise")
    assert conflict.json()["answer"] == {"paid": True}


async def test_work_that_does_not_wait_is_told_from_work_that_is_not_there(orders: RunningService) -> None:
    await orders.http.put("/customers/c-1/orders/1")
    assert problem(await orders.send_signed("/webhooks/orders/c-1/1", YES)) == (404, "not-waiting")
    assert problem(await orders.send_signed("/webhooks/orders/c-1/2", YES)) == (404, "not-found")


async def test_an_answer_that_comes_too_late(orders: RunningService) -> None:
    await start_order(orders)
    await orders.client.resolve("order/c-1/0", None)  # As if it had been canceled.
    assert problem(await orders.send_signed(PATH, YES)) == (410, "too-late")


async def test_signatures(orders: RunningService) -> None:
    await start_order(orders)
    bad = (401, "bad-signature")
    assert problem(await orders.send_signed(PATH, YES, secret="another-secret-altogether")) == bad
    assert problem(await orders.send_signed(PATH, YES, age=301)) == bad
    assert problem(await orders.send_signed(PATH, YES, age=-302)) == bad
    assert problem(await orders.send_signed(PATH, YES, headers={})) == bad
    for timestamp in (b"now", str(int(time())).encode()):
        junk = httpx.Headers({b"Webhook-Timestamp": timestamp, b"Webhook-Signature": b"\xfc"})
        assert problem(await orders.send_signed(PATH, YES, headers=junk)) == bad
    # What is wrong with a body, only its owner learns.
    assert problem(await orders.send_signed(PATH, {"paid": "perhaps"}, headers={})) == bad
    assert problem(await orders.send_signed(PATH, {"paid": "perhaps"})) == (422, "invalid-request")
    assert problem(await orders.send_signed(PATH, b"\xff")) == (422, "invalid-request")
    assert (await orders.send_signed(PATH, YES, age=290)).status_code == 200


def test_which_routes_are_signed() -> None:
    def signed(*routers: APIRouter) -> list[bool]:
        return [is_signed(route) for router in routers for route in router.routes]

    assert signed(order_routes.webhooks, note_routes.webhooks) == [True, True, True]
    assert not any(signed(order_routes.router, note_routes.router))
