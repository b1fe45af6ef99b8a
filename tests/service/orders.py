"""Routes that make of durable work what a route can: submit and poll it, wait for it, read through it, answer it."""

import asyncio
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.ids import keyed, owned, public_of, root_id
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.errors import Failure
from shop.runtime.http.auth import AuthenticatedRoute, ClientDep, get_caller
from shop.runtime.http.idempotency import get_submission
from shop.runtime.http.openapi import ACCEPTED, IDEMPOTENCY_KEY_REQUIRED, POLLED, READ, authenticated, waited
from shop.runtime.http.problems import not_found
from shop.runtime.http.webhooks import ANSWERED, Signed, Webhook, deliver
from shop.runtime.http.work import Accepted, Progress, accept, poll, read, start, wait

from .hooks import add_secret


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


@serve(order)
async def take_order(ctx: Context, request: Order) -> Receipt:
    """An order of number 0 waits to be paid; one below fails."""
    if request.number < 0:
        raise Failure("there is no such number", code="no-such-number", status=404)
    if request.number == 0:
        await payment.wait(ctx, timedelta(seconds=60))
    return Receipt(text=f"{request.customer_id} ordered {request.number}")


@serve(brief)
async def take_long(ctx: Context, request: Order) -> Receipt:
    """It does not end in its time."""
    await asyncio.sleep(60)
    return Receipt(text="late")


SERVED = [take_order, take_long]

router = APIRouter(prefix="/customers/{customer_id}", route_class=AuthenticatedRoute)
webhooks = APIRouter(prefix="/webhooks")
payments = Webhook("payments")


@router.post("/orders", status_code=202, openapi_extra=authenticated(IDEMPOTENCY_KEY_REQUIRED), responses=ACCEPTED)
async def submit(customer_id: str, number: int, request: Request, response: Response) -> Accepted:
    submission = get_submission(request, "required")
    public = submission.public_id
    location = f"/customers/{quote(customer_id, safe='')}/orders/{public}"
    wanted = Order(customer_id=customer_id, number=number)
    return accept(await start(submission, order, root_id("order", public), wanted, location), response)


@router.post("/drafts", status_code=202)
async def submit_draft(customer_id: str, request: Request, response: Response) -> Accepted:
    """An order of number 1, whose key may be left out."""
    submission = get_submission(request)
    public = submission.public_id
    location = f"/customers/{customer_id}/orders/{public}"
    wanted = Order(customer_id=customer_id, number=1)
    return accept(await start(submission, order, root_id("order", public), wanted, location), response)


@router.get("/orders/{id:path}", openapi_extra=authenticated(), responses=POLLED)
async def get_order(customer_id: str, id: str, request: Request, response: Response) -> Progress[Receipt]:
    caller = get_caller(request)
    record = await poll(caller, root_id("order", caller.visible(id)), request, response)
    if order.stored_request(record).customer_id != customer_id:
        raise not_found()
    return Progress[Receipt].of(record)


@router.put("/orders/{number}", response_model=Receipt, responses=waited(Progress[Receipt]))
async def put_order(customer_id: str, number: int, request: Request, response: Response) -> Response | Receipt:
    """Work that the request itself names."""
    caller = get_caller(request)
    root = owned(caller.name, keyed("order", customer_id, number))
    location = f"/customers/{quote(customer_id, safe='')}/orders/{public_of(root)}"
    started = await start(caller, order, root, Order(customer_id=customer_id, number=number), location)
    return await wait(started, Receipt, request, response, seconds=5)


@router.put("/shared/{number}", response_model=Receipt, responses=waited(Progress[Receipt]))
async def put_shared(customer_id: str, number: int, request: Request, response: Response) -> Response | Receipt:
    """Work that the request itself names, whoever sends it."""
    caller = get_caller(request)
    root = keyed("shared", customer_id, number)
    location = f"/customers/{quote(customer_id, safe='')}/shared/{public_of(root)}"
    started = await start(caller, order, root, Order(customer_id=customer_id, number=number), location)
    return await wait(started, Receipt, request, response, seconds=5)


@router.get("/shared/{id:path}", responses=POLLED)
async def get_shared(customer_id: str, id: str, request: Request, response: Response) -> Progress[Receipt]:
    caller = get_caller(request)
    return Progress[Receipt].of(await poll(caller, root_id("shared", caller.shared(id)), request, response))


@router.get("/receipts/{number}", responses=READ)
async def read_receipt(customer_id: str, number: int, request: Request, seconds: float | None = None) -> Receipt:
    submission = get_submission(request, "none")
    root = root_id("receipt", submission.public_id)
    return await read(submission, order, root, Order(customer_id=customer_id, number=number), seconds=seconds)


@router.get("/brief", responses=READ)
async def read_briefly(customer_id: str, request: Request) -> Receipt:
    submission = get_submission(request, "none")
    root = root_id("brief", submission.public_id)
    return await read(submission, brief, root, Order(customer_id=customer_id, number=0))


class Paid(Payment):
    """A payment, and the order that it is for."""

    job_id: str


@webhooks.post("/payments", responses=ANSWERED, openapi_extra=payments.takes(Paid))
async def pay(signed: Annotated[Signed, Depends(payments)], client: ClientDep) -> Paid:
    sent = signed.parse(Paid)
    holds = await deliver(client, payment, root_id("order", sent.job_id), Payment(paid=sent.paid), signed)
    return Paid(job_id=sent.job_id, paid=holds.paid)


def include(app: FastAPI) -> None:
    """Add the routes to an application, and a secret for the webhook."""
    app.include_router(router)
    app.include_router(webhooks)
    add_secret(app, "payments")
