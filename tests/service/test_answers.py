"""What a route can make of durable work: submit and poll, wait for it, read through it, and answer it from outside."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from resonate.context import Context

from {{ package_name }} import (
    ids,
)
from {{ package_name }}.api.answers import (
    Accepted,
    Progress,
    accepted,
    asked_for,
    at_once,
    poll,
    read_now,
)
from {{ package_name }}.api.dependencies import (
    EngineDep,
    ForCallers,
    caller_of,
    not_found,
    submission_of,
)
from {{ package_name }}.api.idempotency import (
    start as start_work,
)
from {{ package_name }}.api.openapi import (
    IDEMPOTENCY_KEY_REQUIRED,
    POLLED,
    READ,
    SUBMITTED,
    for_callers,
    wrapped,
)
from {{ package_name }}.api.webhooks import (
    PROBLEMS,
    SignedBody,
    deliver,
    openapi_body,
    parse,
)
from {{ package_name }}.engine import (
    Engine,
    EngineUnavailable,
)
from {{ package_name }}.gate import (
    Gate,
)
from {{ package_name }}.rpc import (
    Failure,
    Rpc,
    serve,
)

from .conftest import Service, Start, problem


class Order(BaseModel):
    customer_id: str
    number: int


class Receipt(BaseModel):
    text: str


class Payment(BaseModel):
    paid: bool


order = Rpc(name="order", group="tests", request=Order, result=Receipt)
brief = Rpc(name="brief", group="tests", request=Order, result=Receipt, timeout=timedelta(seconds=0.1))
payment = Gate("payment", Payment)


async def take_order(ctx: Context, request: Order) -> Receipt:
    """An order of number 0 waits to be paid; one below fails."""
    if request.number < 0:
        raise Failure("there is no such number")
    if request.number == 0:
        await payment.wait(ctx, ids.public_of(ctx.info.id), timedelta(seconds=60))
    return Receipt(text=f"{request.customer_id} ordered {request.number}")


router = APIRouter(prefix="/tests/customers/{customer_id}", route_class=ForCallers)


@router.post("/orders", status_code=202, openapi_extra=for_callers(IDEMPOTENCY_KEY_REQUIRED), responses=SUBMITTED)
async def submit(customer_id: str, number: int, request: Request, response: Response) -> Accepted:
    asked = submission_of(request, "required")
    location = f"/tests/customers/{quote(customer_id, safe='')}/orders/{asked.public}"
    root = ids.root("order", asked.public)
    wanted = Order(customer_id=customer_id, number=number)
    started = await start_work(asked.engine, order, root, wanted, order.timeout, location)
    return accepted(started, asked.public, location, response)


@router.get("/orders/{id:path}", openapi_extra=for_callers(), responses=POLLED)
async def get_order(customer_id: str, id: str, request: Request, response: Response) -> Progress[Receipt]:
    caller = caller_of(request)
    record = await poll(caller, ids.root("order", caller.visible(id)), request, response)
    if asked_for(record, order).customer_id != customer_id:
        raise not_found()
    return Progress[Receipt].of(id, record)


@router.put("/orders/{number}", response_model=Receipt, responses=wrapped(Progress[Receipt]))
async def put_order(customer_id: str, number: int, request: Request, response: Response) -> Response | Receipt:
    """Named by the request itself."""
    caller = caller_of(request)
    root = ids.owned(caller.name, ids.keyed("order", customer_id, number))
    public = ids.public_of(root)
    location = f"/tests/customers/{quote(customer_id, safe='')}/orders/{public}"
    wanted = Order(customer_id=customer_id, number=number)
    started = await start_work(caller.engine, order, root, wanted, order.timeout, location)
    return await at_once(started, Receipt, public, location, request, response, seconds=5)


@router.get("/receipts/{number}", responses=READ)
async def read_order(customer_id: str, number: int, request: Request, seconds: float | None = None) -> Receipt:
    asked = submission_of(request, "none")
    wanted = Order(customer_id=customer_id, number=number)
    return await read_now(asked, order, ids.root("receipt", asked.public), wanted, seconds=seconds)


@router.get("/brief", responses=READ)
async def read_briefly(customer_id: str, request: Request) -> Receipt:
    asked = submission_of(request, "none")
    return await read_now(asked, brief, ids.root("brief", asked.public), Order(customer_id=customer_id, number=0))


webhooks = APIRouter()


@webhooks.post("/webhooks/payment/{id:path}", responses=PROBLEMS, openapi_extra=openapi_body(Payment))
async def pay(id: str, body: SignedBody, engine: EngineDep) -> Payment:
    answer = parse(Payment, body)
    if not ids.visible_to(None, id):
        raise not_found()
    return await deliver(engine, payment, id, answer)


@pytest.fixture
async def service(start: Start) -> AsyncIterator[Service]:
    async with start(served=[serve(order, take_order), serve(brief, take_order)], sync_wait=10) as service:
        service.app.include_router(router)
        service.app.include_router(webhooks)
        yield service


async def test_submit_with_a_required_key_and_poll(service: Service) -> None:
    path = "/tests/customers/c-1/orders"
    missing = await service.http.post(f"{path}?number=1")
    assert problem(missing) == (400, "idempotency-key-required")
    first = await service.http.post(f"{path}?number=1", headers={"Idempotency-Key": "k"})
    assert (first.status_code, first.headers["Location"]) == (202, f"{path}/k")
    assert first.json() == {"id": "k", "status": "running", "links": {"self": f"{path}/k"}}
    polled = await service.http.get(f"{path}/k", headers={"Prefer": "wait=10"})
    assert polled.json() == {"id": "k", "status": "succeeded", "result": {"text": "c-1 ordered 1"}, "error": None}
    assert polled.headers["Preference-Applied"] == "wait=10"
    again = await service.http.post(f"{path}?number=1", headers={"Idempotency-Key": "k"})
    assert (again.headers["Idempotent-Replayed"], again.json()["status"]) == ("true", "succeeded")
    other = await service.http.post(f"{path}?number=2", headers={"Idempotency-Key": "k"})
    assert problem(other) == (422, "idempotency-key-reused")


async def test_work_of_another_customer_is_not_found(service: Service) -> None:
    await service.http.post("/tests/customers/c-1/orders?number=1", headers={"Idempotency-Key": "k"})
    assert problem(await service.http.get("/tests/customers/c-2/orders/k")) == (404, "not-found")
    assert problem(await service.http.get("/tests/customers/c-1/orders/l")) == (404, "not-found")


async def test_the_request_itself_names_the_work(service: Service) -> None:
    first = await service.http.put("/tests/customers/€ 1/orders/1")
    assert (first.status_code, first.json()) == (200, {"text": "€ 1 ordered 1"})
    assert first.headers["Location"] == "/tests/customers/%E2%82%AC%201/orders/~e2~82~ac~201/1"
    assert "Idempotent-Replayed" not in first.headers
    again = await service.http.put("/tests/customers/€ 1/orders/1", headers={"Idempotency-Key": "plays no part"})
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first.json())
    polled = await service.http.get(first.headers["Location"])
    assert (polled.json()["id"], polled.json()["status"]) == ("~e2~82~ac~201/1", "succeeded")


async def test_work_named_by_the_request_is_the_callers(start: Start) -> None:
    async with start(served=[serve(order, take_order)], api_keys="alice:secret1,bob:secret2") as service:
        service.app.include_router(router)
        alice, bob = {"Authorization": "Bearer secret1"}, {"Authorization": "Bearer secret2"}
        for headers in (alice, bob):
            answer = await service.http.put("/tests/customers/c-1/orders/1", headers=headers)
            assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (200, False)
        path = "/tests/customers/c-1/orders/alice.c-1/1"
        assert (await service.http.get(path, headers=alice)).json()["status"] == "succeeded"
        assert problem(await service.http.get(path, headers=bob)) == (404, "not-found")


async def test_work_that_takes_longer(service: Service) -> None:
    path = "/tests/customers/c-1/orders"
    slow = await service.http.put(f"{path}/0", headers={"Prefer": "wait=0"})
    assert slow.status_code == 202, slow.text
    assert slow.json() == {"id": "c-1/0", "status": "running", "result": None, "error": None}
    assert (slow.headers["Location"], slow.headers["Preference-Applied"]) == (f"{path}/c-1/0", "wait=0")
    await service.eventually(lambda: service.engine.find("payment/c-1/0"))
    assert (await service.send_signed("/webhooks/payment/c-1/0", {"paid": True})).json() == {"paid": True}
    ended = await service.http.put(f"{path}/0")
    assert (ended.status_code, ended.json()) == (200, {"text": "c-1 ordered 0"})


async def test_work_that_fails(service: Service) -> None:
    failed = await service.http.put("/tests/customers/c-1/orders/-1")
    assert problem(failed) == (500, "work-failed")
    assert failed.json()["detail"] == "there is no such number"
    assert failed.headers["Location"] == "/tests/customers/c-1/orders/c-1/-1"


async def test_an_engine_that_goes_away_while_one_waits(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        raise EngineUnavailable("it did not answer")

    monkeypatch.setattr(Engine, "find", nothing)
    answer = await service.http.put("/tests/customers/c-1/orders/0")
    assert problem(answer) == (503, "engine-unavailable")
    assert answer.headers["Location"] == "/tests/customers/c-1/orders/c-1/0"
    monkeypatch.undo()


async def test_reads_through_a_durable_function(service: Service) -> None:
    for _ in range(2):
        answer = await service.http.get("/tests/customers/c-1/receipts/5", headers={"Idempotency-Key": ""})
        assert (answer.status_code, answer.json()) == (200, {"text": "c-1 ordered 5"})
        assert "Idempotent-Replayed" not in answer.headers
    failed = await service.http.get("/tests/customers/c-1/receipts/-1")
    assert problem(failed) == (500, "work-failed")
    assert failed.json()["detail"] == "there is no such number"
    late = await service.http.get("/tests/customers/c-1/receipts/0?seconds=0.2")
    assert problem(late) == (504, "timed-out")
    assert late.json()["detail"] == "The work did not end within 0.2 s."
    assert problem(await service.http.get("/tests/customers/c-1/brief")) == (504, "timed-out")


async def test_answers_from_outside(service: Service) -> None:
    path = "/webhooks/payment/c-1/0"
    assert problem(await service.send_signed("/webhooks/payment/a..b", {"paid": True})) == (404, "not-found")
    assert problem(await service.send_signed(path, {"paid": True})) == (404, "not-waiting")
    await service.http.put("/tests/customers/c-1/orders/0", headers={"Prefer": "wait=0"})
    await service.eventually(lambda: service.engine.find("payment/c-1/0"))
    for _ in range(2):
        assert (await service.send_signed(path, {"paid": True})).json() == {"paid": True}
    conflict = await service.send_signed(path, {"paid": False})
    assert problem(conflict) == (409, "answered-otherwise")
    assert conflict.json()["answer"] == {"paid": True}


async def test_of_many_at_once_one_is_the_first(service: Service) -> None:
    answers = await asyncio.gather(*(service.http.put("/tests/customers/c-1/orders/1") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1


async def test_the_document_names_the_models(service: Service) -> None:
    document = (await service.http.get("/openapi.json")).json()
    assert {"Accepted", "Links", "Progress_Receipt_", "Receipt", "Status"} <= set(document["components"]["schemas"])
    waits = document["paths"]["/tests/customers/{customer_id}/orders/{number}"]["put"]["responses"]
    assert set(waits) == {"200", "202", "400", "401", "408", "413", "422", "500", "503"}
    assert set(waits["202"]["headers"]) == {"Location", "Idempotent-Replayed", "Preference-Applied"}


async def test_a_function_runs_to_its_end(service: Service) -> None:
    assert await service.run(order, "test/1", Order(customer_id="c-1", number=1)) == Receipt(text="c-1 ordered 1")
    with pytest.raises(pytest.fail.Exception, match="there is no such number"):
        await service.run(order, "test/2", Order(customer_id="c-1", number=-1))
