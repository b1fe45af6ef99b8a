"""The webhook `audit`: every way in which an answer can arrive.

A workflow of the test's own waits for it.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from resonate.context import Context

from orders.api.webhook_audit import KINDS
from orders.contracts.workflows.audit import Audit, audit
from orders.runtime.durable.ids import root_id
from orders.runtime.durable.rpc import Rpc, serve
from orders.runtime.errors import Failure
from orders.runtime.http.signatures import new_secret
from orders.runtime.testing.running import RunningService, StartService, problem

PATH = "/webhooks/audit"
BODY: dict[str, object] = {"passed": True}
OTHER = {**BODY, "passed": False}


class Ask(BaseModel):
    """How long to wait, in seconds."""

    patience: float


ask = Rpc(name="ask", group="tests", request=Ask, result=Audit)


@serve(ask)
async def wait(ctx: Context, request: Ask) -> Audit:
    answer = await audit.wait(ctx, timedelta(seconds=request.patience))
    if answer is None:
        raise Failure("nobody answered")
    return answer


@pytest.fixture
async def service(start_service: StartService) -> AsyncIterator[RunningService]:
    async with start_service(served=[wait]) as service:
        yield service


async def start(service: RunningService, public: str, patience: float = 30, kind: str = KINDS[0]) -> str:
    """Work that will wait at the gate; its root id."""
    root = root_id(kind, public)
    await ask.start(service.client, root, Ask(patience=patience))
    return root


async def deliver(
    service: RunningService, public: str, answer: dict[str, object] = BODY, **options: Any
) -> httpx.Response:
    body = {"job_id": public, **answer}
    return await service.send_signed(PATH, body, **options)


async def settled(service: RunningService, root: str) -> str:
    """How the work ended."""

    async def look() -> str | None:
        record = await service.client.find(root)
        return None if record is None or record.state == "pending" else record.state

    return await service.poll_until(look)


@pytest.mark.parametrize("public", ["order-1", "alice.order-1", "c-1/42"])
@pytest.mark.parametrize("asked", [False, True])
async def test_an_answer_resumes_the_work(service: RunningService, public: str, asked: bool) -> None:
    root = await start(service, public)
    if asked:
        await service.poll_until_asked(audit, root)
    first = await deliver(service, public)
    assert first.status_code == 200, first.text
    assert first.json()["job_id"] == public
    assert await settled(service, root) == "resolved"
    again = await deliver(service, public)
    assert (again.status_code, again.json()) == (200, first.json())


@pytest.mark.parametrize("kind", KINDS)
async def test_it_knows_the_work_however_it_was_started(service: RunningService, kind: str) -> None:
    root = await start(service, "order-1", kind=kind)
    answered = await deliver(service, "order-1")
    assert answered.status_code == 200, answered.text
    assert await settled(service, root) == "resolved"


async def test_the_first_answer_holds(service: RunningService) -> None:
    await start(service, "order-1")
    taken = (await deliver(service, "order-1")).json()["answer"]
    conflict = await deliver(service, "order-1", OTHER)
    assert problem(conflict) == (409, "answered-otherwise")
    assert conflict.json()["answer"] == taken


async def test_no_such_work(service: RunningService) -> None:
    assert problem(await deliver(service, "unknown")) == (404, "not-found")
    assert problem(await deliver(service, "a:b")) == (404, "not-found")


async def test_too_late(service: RunningService) -> None:
    root = await start(service, "order-1", patience=0.2)
    assert await settled(service, root) == "rejected"
    assert problem(await deliver(service, "order-1")) == (410, "too-late")


async def test_signatures(service: RunningService) -> None:
    await start(service, "order-1")
    for refused in (
        await deliver(service, "order-1", secret=new_secret()),
        await deliver(service, "order-1", age=301),
        await deliver(service, "order-1", headers={}),
    ):
        assert problem(refused) == (401, "bad-signature")


async def test_bad_bodies(service: RunningService) -> None:
    bad: list[object] = [b"", b"{", b"[]", {}, {**BODY, "job_id": "1", "unknown_field": 1}]
    for body in bad:
        assert problem(await service.send_signed(PATH, body)) == (422, "invalid-request")
