"""The webhook `payment-settled`: every way in which an answer can arrive.

A workflow of the test's own waits for it.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import BaseModel
from resonate.context import Context

from orders import ids
from orders.contracts.workflows import PaymentSettled, payment_settled
from orders.rpc import Failure, Rpc, serve
from tests.conftest import Service, Start, problem

PATH = "/webhooks/payment-settled/"
BODY: dict[str, object] = {"receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11", "amount": "1.50"}
OTHER = {**BODY, "receipt": "0b8ddfb0-7c3f-4a0e-8a75-2f0b1f7c9d22"}


class Ask(BaseModel):
    """How long to wait, in seconds."""

    patience: float


ask = Rpc(name="ask", group="tests", request=Ask, result=PaymentSettled)


async def wait(ctx: Context, request: Ask) -> PaymentSettled:
    patience = timedelta(seconds=request.patience)
    answer = await payment_settled.wait(ctx, ids.public_of(ctx.info.id), patience)
    if answer is None:
        raise Failure("nobody answered")
    return answer


@pytest.fixture
async def service(start: Start) -> AsyncIterator[Service]:
    async with start(served=[serve(ask, wait)]) as service:
        yield service


async def waiting(service: Service, public: str, patience: float = 30) -> str:
    """Work that stands at its gate; its root id."""
    root = ids.root("ask", public)
    await service.engine.start_workflow(ask, root, Ask(patience=patience), timedelta(seconds=60), {})
    await service.eventually(lambda: service.engine.find(payment_settled.alias(public)))
    return root


async def settled(service: Service, root: str) -> str:
    """How the work ended."""

    async def look() -> str | None:
        record = await service.engine.find(root)
        return None if record is None or record.state == "pending" else record.state

    return await service.eventually(look)


@pytest.mark.parametrize("public", ["order-1", "alice.order-1", "c-1/42"])
async def test_an_answer_resumes_the_work(service: Service, public: str) -> None:
    root = await waiting(service, public)
    first = await service.send_signed(PATH + public, BODY)
    assert first.status_code == 200, first.text
    assert first.json()["id"] == public
    assert await settled(service, root) == "resolved"
    again = await service.send_signed(PATH + public, BODY)
    assert (again.status_code, again.json()) == (200, first.json())


async def test_the_first_answer_holds(service: Service) -> None:
    await waiting(service, "order-1")
    taken = (await service.send_signed(PATH + "order-1", BODY)).json()["answer"]
    conflict = await service.send_signed(PATH + "order-1", OTHER)
    assert problem(conflict) == (409, "answered-otherwise")
    assert conflict.json()["answer"] == taken


async def test_nobody_waits(service: Service) -> None:
    assert problem(await service.send_signed(PATH + "unknown", BODY)) == (404, "not-waiting")
    assert problem(await service.send_signed(PATH + "a:b", BODY)) == (404, "not-found")


async def test_too_late(service: Service) -> None:
    root = await waiting(service, "order-1", patience=0.2)
    assert await settled(service, root) == "rejected"
    assert problem(await service.send_signed(PATH + "order-1", BODY)) == (410, "too-late")


async def test_signatures(service: Service) -> None:
    await waiting(service, "order-1")
    for refused in (
        await service.send_signed(PATH + "order-1", BODY, secret="a-secret-of-somebody-else"),
        await service.send_signed(PATH + "order-1", BODY, age=301),
        await service.send_signed(PATH + "order-1", BODY, headers={}),
    ):
        assert problem(refused) == (401, "bad-signature")


async def test_bad_bodies(service: Service) -> None:
    await waiting(service, "order-1")
    for body in (b"", b"{", b"[]", {**BODY, "unknown_field": 1}):
        assert problem(await service.send_signed(PATH + "order-1", body)) == (422, "invalid-request")
