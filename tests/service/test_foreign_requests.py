"""Requests that other teams send, in any language: one that does not fit fails at once, and says where and why."""

import asyncio
import base64
import json
from time import time
from typing import Any

import pytest
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.misfits import find_problem
from shop.runtime.errors import InvalidRequest
from shop.runtime.http.work import Outcome
from shop.runtime.testing.running import RunningService, StartService

from .waiting import until


class Line(BaseModel):
    """Something that is ordered."""

    sku: str
    quantity: int = 1


class Order(BaseModel):
    """A request."""

    customer_id: str
    lines: list[Line]


class Total(BaseModel):
    """A result."""

    quantity: int


order = Rpc(name="order", group="workers", request=Order, result=Total)


@serve(order)
async def add_up(ctx: Context, request: Order) -> Total:
    """Add up."""
    return Total(quantity=sum(line.quantity for line in request.lines))


ORDER = {"customer_id": "c-1", "lines": [{"sku": "chair", "quantity": 2}]}
WRONG: dict[str, tuple[dict[str, Any], list[dict[str, str]]]] = {
    "fields": (
        {"args": [{"customer_id": 7, "lines": [{"quantity": "two"}]}]},
        [
            {"at": "customer_id", "detail": "Input should be a valid string"},
            {"at": "lines/0/sku", "detail": "Field required"},
            {
                "at": "lines/0/quantity",
                "detail": "Input should be a valid integer, unable to parse string as an integer",
            },
        ],
    ),
    "no argument": (
        {"args": []},
        [{"at": "", "detail": "The call takes one argument, an object; it has 0 arguments"}],
    ),
    "two arguments": (
        {"args": ["c-1", []]},
        [{"at": "", "detail": "The call takes one argument, an object; it has 2 arguments"}],
    ),
    "by name": (
        {"args": [], "kwargs": ORDER},
        [{"at": "", "detail": "The call takes one argument, an object; it has arguments by name (customer_id, lines)"}],
    ),
    "a list": ({"args": [[1]]}, [{"at": "", "detail": "Input should be an object"}]),
    "null": ({"args": [None]}, [{"at": "", "detail": "Input should be an object"}]),
}


async def send(service: RunningService, job: str, sent: dict[str, Any], **tags: str) -> Any:
    """Start the function as an SDK of another language does; its record when it has ended."""
    task = {"func": "order", "version": 1, **sent}
    target = {"resonate:target": service.client.namespace.target("workers")}
    named = {name.replace("_", "-"): value for name, value in tags.items()}
    await service.client.create(job, task, int(time() * 1000) + 60_000, {**target, **named})

    async def has_ended() -> bool:
        record = await service.client.find(job)
        return record is not None and record.state != "pending"

    await until(has_ended)
    return await service.client.find(job)


def state_of(service: RunningService) -> Any:
    """The promises of its engine, as they are kept."""
    network: Any = service.client.network
    return network.state.promises


@pytest.mark.parametrize(("sent", "errors"), WRONG.values(), ids=WRONG)
async def test_a_wrong_request_fails_at_once(
    start_service: StartService, sent: dict[str, Any], errors: list[dict[str, str]]
) -> None:
    async with start_service([add_up]) as service:
        record = await asyncio.wait_for(send(service, "order/1", sent), 2)
        outcome = Outcome.of(record)
        assert outcome.error and (outcome.error.code, outcome.http_status) == ("invalid-request", 422)
        # As an SDK of another language reads it.
        raw = state_of(service)["shop/order/1"].value
        value = json.loads(base64.b64decode(raw["data"]))
        told = "; ".join(f"{error['at'] or 'it'}: {error['detail']}" for error in errors)
        assert value == {
            "__type": "error",
            "name": "invalid-request",
            "message": f"the request of order does not fit its contract: {told}",
            "code": "invalid-request",
            "status": 422,
            "fields": {"errors": errors},
        }


async def test_a_right_request_is_served(start_service: StartService) -> None:
    async with start_service([add_up]) as service:
        record = await send(service, "order/1", {"args": [ORDER]})
        assert (record.state, record.value.data) == ("resolved", {"quantity": 2})


@pytest.mark.parametrize(
    ("tags", "is_ours"),
    [
        ({"started_by": "shop/api"}, True),
        ({"started_by": "shop/workers"}, True),
        ({"started_by": "till/api"}, False),
        ({"http:fingerprint": "as the release before wrote it"}, True),
        ({"started_by": "till/api", "http:fingerprint": "of till"}, False),
    ],
)
async def test_work_that_this_service_started_waits_for_code_that_fits(
    start_service: StartService, tags: dict[str, str], is_ours: bool
) -> None:
    """Its route had checked it: so the code is what is wrong, and the job must not be lost."""
    async with start_service([add_up], shutdown_grace=0) as service:
        sending = asyncio.create_task(send(service, "order/1", {"args": [{}]}, **tags))
        if is_ours:
            await until(lambda: find_problem(service.client, "shop/order/1"))
            problem = await find_problem(service.client, "shop/order/1")
            assert problem and problem.startswith(
                "the request of order does not fit its contract: customer_id: Field required"
            )
            sending.cancel()
        else:
            assert (await sending).state == "rejected"


async def test_a_caller_of_this_service_reads_what_is_wrong(start_service: StartService) -> None:
    """Another function's mistake, as its class."""

    class Wide(BaseModel):
        customer_id: str = "c-1"

    call = Rpc(name="order", group="workers", request=Wide, result=Total, raises=(InvalidRequest,))
    caller = Rpc(name="caller", group="workers", request=Wide, result=Total)

    @serve(caller)
    async def ask(ctx: Context, request: Wide) -> Total:
        try:
            return await call(ctx, request)
        except InvalidRequest as error:
            assert error.errors == [{"at": "lines", "detail": "Field required"}]
            return Total(quantity=-1)

    async with start_service([add_up, ask]) as service:
        found = await service.run(caller, "caller/1", Wide())
        assert found.quantity == -1


async def test_the_start_says_who_started_it(start_service: StartService) -> None:
    async with start_service([add_up]) as service:
        record = await order.start(service.client, "order/1", Order(customer_id="c", lines=[]))
        assert record.tags["started-by"].startswith("shop/")
