"""The gate, with a workflow of its own: what each side sees, whatever comes first or twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import BaseModel
from resonate.context import Context

from {{ package_name }}.engine import (
    error_message,
)
from {{ package_name }}.gate import (
    Delivery,
    Gate,
)
from {{ package_name }}.rpc import (
    Failure,
    Rpc,
    serve,
)

from .conftest import Service, Start


class Ask(BaseModel):
    patience: float


class Answer(BaseModel):
    text: str


gate = Gate("ask", Answer)
ask = Rpc(name="ask", group="tests", request=Ask, result=Answer)


async def wait_for_answer(ctx: Context, request: Ask) -> Answer:
    key = ctx.info.id.removeprefix("q/")
    answer = await gate.wait(ctx, key, timedelta(seconds=request.patience))
    if answer is None:
        raise Failure("nobody answered")
    return answer


@pytest.fixture
async def service(start: Start) -> AsyncIterator[Service]:
    async with start(served=[serve(ask, wait_for_answer)]) as service:
        yield service


async def ended(service: Service, promise_id: str) -> tuple[str, object]:
    async def look() -> tuple[str, object] | None:
        record = await service.engine.find(promise_id)
        if record is None or record.state == "pending":
            return None
        return record.state, record.value.data if record.state == "resolved" else error_message(record)

    return await service.eventually(look)


async def begin(service: Service, key: str, patience: float, timeout: float = 60) -> None:
    request = Ask(patience=patience)
    await service.engine.start_workflow(ask, f"q/{key}", request, timedelta(seconds=timeout), {})
    await service.eventually(lambda: service.engine.find(gate.alias(key)))


async def test_an_answer_resumes_the_workflow(service: Service) -> None:
    assert await gate.deliver(service.engine, "1", Answer(text="early")) == (Delivery.NOT_OPEN, None)
    await begin(service, "1", patience=30)
    yes, no = Answer(text="yes"), Answer(text="no")
    assert await gate.deliver(service.engine, "1", yes) == (Delivery.TAKEN, yes)
    assert await ended(service, "q/1") == ("resolved", {"text": "yes"})
    assert await gate.deliver(service.engine, "1", yes) == (Delivery.TAKEN, yes)
    assert await gate.deliver(service.engine, "1", no) == (Delivery.CONFLICT, yes)


async def test_of_many_answers_at_once_one_holds(service: Service) -> None:
    await begin(service, "1", patience=30)
    answers = [Answer(text=str(number)) for number in range(10)]
    outcomes = await asyncio.gather(*(gate.deliver(service.engine, "1", answer) for answer in answers))
    holding = [answer for answer, (delivery, _) in zip(answers, outcomes, strict=True) if delivery is Delivery.TAKEN]
    assert len(holding) == 1
    assert [holds for _, holds in outcomes] == holding * 10
    assert await ended(service, "q/1") == ("resolved", {"text": holding[0].text})


async def test_nobody_answers(service: Service) -> None:
    await begin(service, "1", patience=0.2)
    assert await ended(service, "q/1") == ("rejected", "nobody answered")
    assert await gate.deliver(service.engine, "1", Answer(text="late")) == (Delivery.EXPIRED, None)


async def test_a_crash_between_the_alias_and_the_workflow_is_healed(service: Service) -> None:
    await begin(service, "1", patience=30)
    recorded = {"answer": {"text": "yes"}}
    await service.engine.resolve(gate.alias("1"), recorded)  # and the process that did it died here
    assert await gate.deliver(service.engine, "1", Answer(text="yes")) == (Delivery.TAKEN, Answer(text="yes"))
    assert await ended(service, "q/1") == ("resolved", {"text": "yes"})


async def test_an_answer_recorded_at_the_last_moment_holds(service: Service) -> None:
    await begin(service, "1", patience=0.3)
    await service.engine.resolve(gate.alias("1"), {"answer": {"text": "yes"}})  # recorded, and never passed on
    assert await ended(service, "q/1") == ("resolved", {"text": "yes"})


async def test_a_workflow_that_timed_out_takes_no_answer(service: Service) -> None:
    await begin(service, "1", patience=30, timeout=0.3)
    assert (await ended(service, "q/1"))[0] == "rejected_timedout"
    assert await gate.deliver(service.engine, "1", Answer(text="late")) == (Delivery.EXPIRED, None)
