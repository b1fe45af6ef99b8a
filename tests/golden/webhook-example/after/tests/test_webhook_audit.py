"""The webhook `audit`: every way in which an answer can arrive.

A workflow of the test's own waits for it.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import BaseModel
from resonate.context import Context

from orders.contracts.workflows.audit import Audit, audit
from orders.runtime.durable.ids import job_id, root_id
from orders.runtime.durable.rpc import Rpc, serve
from orders.runtime.errors import Failure
from orders.runtime.testing.running import RunningService, StartService, problem

PATH = "/webhooks/audit/"
BODY: dict[str, object] = {"passed": True}
OTHER = {**BODY, "passed": False}


class Ask(BaseModel):
    """How long to wait, in seconds."""

    patience: float


ask = Rpc(name="ask", group="tests", request=Ask, result=Audit)


@serve(ask)
async def wait(ctx: Context, request: Ask) -> Audit:
    answer = await audit.wait(ctx, job_id(ctx), timedelta(seconds=request.patience))
    if answer is None:
        raise Failure("nobody answered")
    return answer


@pytest.fixture
async def service(start_service: StartService) -> AsyncIterator[RunningService]:
    async with start_service(served=[wait]) as service:
        yield service


async def waiting(service: RunningService, public: str, patience: float = 30) -> str:
    """Work that stands at its gate; its root id."""
    root = root_id("job", public)
    await ask.start(service.client, root, Ask(patience=patience))
    await service.poll_until(lambda: service.client.find(audit.alias(public)))
    return root


async def settled(service: RunningService, root: str) -> str:
    """How the work ended."""

    async def look() -> str | None:
        record = await service.client.find(root)
        return None if record is None or record.state == "pending" else record.state

    return await service.poll_until(look)


@pytest.mark.parametrize("public", ["order-1", "alice.order-1", "c-1/42"])
async def test_an_answer_resumes_the_work(service: RunningService, public: str) -> None:
    root = await waiting(service, public)
    first = await service.send_signed(PATH + public, BODY)
    assert first.status_code == 200, first.text
    assert first.json()["id"] == public
    assert await settled(service, root) == "resolved"
    again = await service.send_signed(PATH + public, BODY)
    assert (again.status_code, again.json()) == (200, first.json())


async def test_the_first_answer_holds(service: RunningService) -> None:
    await waiting(service, "order-1")
    taken = (await service.send_signed(PATH + "order-1", BODY)).json()["answer"]
    conflict = await service.send_signed(PATH + "order-1", OTHER)
    assert problem(conflict) == (409, "answered-otherwise")
    assert conflict.json()["answer"] == taken


async def test_nobody_waits(service: RunningService) -> None:
    assert problem(await service.send_signed(PATH + "unknown", BODY)) == (404, "not-found")
    assert problem(await service.send_signed(PATH + "a:b", BODY)) == (404, "not-found")


async def test_too_late(service: RunningService) -> None:
    root = await waiting(service, "order-1", patience=0.2)
    assert await settled(service, root) == "rejected"
    assert problem(await service.send_signed(PATH + "order-1", BODY)) == (410, "too-late")


async def test_signatures(service: RunningService) -> None:
    await waiting(service, "order-1")
    for refused in (
        await service.send_signed(PATH + "order-1", BODY, secret="a-secret-of-somebody-else"),
        await service.send_signed(PATH + "order-1", BODY, age=301),
        await service.send_signed(PATH + "order-1", BODY, headers={}),
    ):
        assert problem(refused) == (401, "bad-signature")


async def test_bad_bodies(service: RunningService) -> None:
    await waiting(service, "order-1")
    for body in (b"", b"{", b"[]", {**BODY, "unknown_field": 1}):
        assert problem(await service.send_signed(PATH + "order-1", body)) == (422, "invalid-request")
