"""`durable.gate`: what each side of a gate sees, whatever comes first or twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from resonate.context import Context
from resonate.testing import instant_sleeper
from shop.runtime.durable.gate import Delivery, Gate
from shop.runtime.durable.ids import job_id
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.client import error_of
from shop.runtime.errors import Failure
from shop.runtime.testing.running import RunningService, StartService


class Ask(BaseModel):
    patience: float


class Answer(BaseModel):
    text: str


gate = Gate("ask", Answer)
ask = Rpc(name="ask", group="tests", request=Ask, result=Answer)
ask_twice = Rpc(name="ask-twice", group="tests", request=Ask, result=Answer)


@serve(ask)
async def wait_for_answer(ctx: Context, request: Ask) -> Answer:
    answer = await gate.wait(ctx, job_id(ctx), timedelta(seconds=request.patience))
    if answer is None:
        raise Failure("nobody answered")
    return answer


@serve(ask_twice)
async def wait_twice(ctx: Context, request: Ask) -> Answer:
    """Two waits under one key, which is a mistake."""
    for _ in range(2):
        await gate.wait(ctx, job_id(ctx), timedelta(seconds=request.patience))
    raise AssertionError


@pytest.fixture(params=["shop", ""], ids=["namespace", "no namespace"])
async def service(request: pytest.FixtureRequest, start_service: StartService) -> AsyncIterator[RunningService]:
    async with start_service([wait_for_answer, wait_twice], namespace=request.param) as service:
        yield service


async def ended(service: RunningService, promise_id: str) -> tuple[str, object]:
    async def end() -> tuple[str, object] | None:
        record = await service.client.find(promise_id)
        if record is None or record.state == "pending":
            return None
        return record.state, record.value.data if record.state == "resolved" else str(error_of(record))

    return await service.poll_until(end, f"{promise_id} ends")


async def begin(service: RunningService, key: str, patience: float, ends_after: float = 60) -> None:
    """Start a workflow, and return once it waits at its gate."""
    request = Ask(patience=patience)
    await ask.start(service.client, f"q/{key}", request, timeout=timedelta(seconds=ends_after))
    await service.poll_until(lambda: service.client.find(gate.alias(key)), "the gate is open")


async def test_an_answer_resumes_the_workflow(service: RunningService) -> None:
    assert await gate.deliver(service.client, "1", Answer(text="early")) == (Delivery.NOT_OPEN, None)
    await begin(service, "1", patience=30)
    yes, no = Answer(text="yes"), Answer(text="no")
    assert await gate.deliver(service.client, "1", yes) == (Delivery.TAKEN, yes)
    assert await ended(service, "q/1") == ("resolved", {"text": "yes"})
    assert await gate.deliver(service.client, "1", yes) == (Delivery.TAKEN, yes)
    assert await gate.deliver(service.client, "1", no) == (Delivery.CONFLICT, yes)


async def test_of_many_answers_at_once_one_holds(service: RunningService) -> None:
    await begin(service, "1", patience=30)
    answers = [Answer(text=str(number)) for number in range(10)]
    outcomes = await asyncio.gather(*(gate.deliver(service.client, "1", answer) for answer in answers))
    holding = [answer for answer, (delivery, _) in zip(answers, outcomes, strict=True) if delivery is Delivery.TAKEN]
    assert len(holding) == 1
    assert [holds for _, holds in outcomes] == holding * 10
    assert await ended(service, "q/1") == ("resolved", {"text": holding[0].text})


async def test_nobody_answers(service: RunningService) -> None:
    await begin(service, "1", patience=0.2)
    assert await ended(service, "q/1") == ("rejected", "nobody answered")
    assert await gate.deliver(service.client, "1", Answer(text="late")) == (Delivery.EXPIRED, None)


async def test_a_crash_between_the_alias_and_the_workflow_is_healed(service: RunningService) -> None:
    await begin(service, "1", patience=30)
    recorded = {"answer": {"text": "yes"}}
    await service.client.resolve(gate.alias("1"), recorded)  # and the process that did it died here
    assert await gate.deliver(service.client, "1", Answer(text="yes")) == (Delivery.TAKEN, Answer(text="yes"))
    assert await ended(service, "q/1") == ("resolved", {"text": "yes"})


async def test_an_answer_recorded_at_the_last_moment_holds(service: RunningService) -> None:
    await begin(service, "1", patience=0.5)
    await service.client.resolve(gate.alias("1"), {"answer": {"text": "yes"}})  # recorded, and never passed on
    assert await ended(service, "q/1") == ("resolved", {"text": "yes"})


async def test_a_workflow_that_timed_out_takes_no_answer(service: RunningService) -> None:
    await begin(service, "1", patience=30, ends_after=0.5)
    assert (await ended(service, "q/1"))[0] == "rejected_timedout"
    assert await gate.deliver(service.client, "1", Answer(text="late")) == (Delivery.EXPIRED, None)


async def test_the_alias_outlives_the_workflow(service: RunningService) -> None:
    await begin(service, "1", patience=30)
    root, alias = await service.client.find("q/1"), await service.client.find(gate.alias("1"))
    assert root is not None and alias is not None
    assert alias.timeout_at - root.timeout_at == timedelta(days=1).total_seconds() * 1000
    question: Any = alias.param.data
    assert question["root"] == "q/1" and question["held"].startswith("q/1:")


async def test_a_key_is_one_question(service: RunningService, caplog: pytest.LogCaptureFixture) -> None:
    service.client.resonate._core.sleeper = instant_sleeper  # The step that opens a gate is tried again.
    await ask_twice.start(service.client, "q/1", Ask(patience=0.2))
    state, error = await ended(service, "q/1")
    namespace = f"{service.settings.namespace}/" if service.settings.namespace else ""
    assert (state, error) == ("rejected", f"internal error in ask-twice: see its log for {namespace}q/1")
    assert "gate ask/1 was opened twice: give each wait a key of its own" in caplog.text
