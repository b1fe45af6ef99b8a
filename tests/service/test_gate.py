"""`durable.gate`: what each side of a gate sees, whatever comes first or twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from msgspec import structs
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from shop.runtime.durable.gate import Delivery, Gate, end_hold
from shop.runtime.durable.ids import MAX_ROOT
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.client import error_of
from shop.runtime.errors import Failure
from shop.runtime.testing.running import RunningService, StartService


class Ask(BaseModel):
    patience: float


class Answer(BaseModel):
    text: str


gate = Gate("ask", Answer)
polls = Gate("poll", Answer, answers=3)
ask = Rpc(name="ask", group="tests", request=Ask, result=Answer)
ask_again = Rpc(name="ask-again", group="tests", request=Ask, result=Answer)
poll = Rpc(name="poll", group="tests", request=Ask, result=Answer)
ask_at_once = Rpc(name="ask-at-once", group="tests", request=Ask, result=Answer)


@serve(ask)
async def wait_for_answer(ctx: Context, request: Ask) -> Answer:
    answer = await gate.wait(ctx, timedelta(seconds=request.patience))
    if answer is None:
        raise Failure("nobody answered")
    return answer


@serve(ask_again)
async def wait_again(ctx: Context, request: Ask) -> Answer:
    """Three waits, the first of which expires."""
    answers = [await gate.wait(ctx, timedelta(seconds=patience)) for patience in (0.1, request.patience, 30)]
    return Answer(text=" ".join(answer.text if answer else "-" for answer in answers))


@serve(ask_at_once)
async def wait_at_once(ctx: Context, request: Ask) -> Answer:
    """Two waits at a time, which is a mistake."""
    await asyncio.gather(*(gate.wait(ctx, timedelta(seconds=request.patience)) for _ in range(2)))
    raise AssertionError


@serve(poll)
async def wait_for_several(ctx: Context, request: Ask) -> Answer:
    """As many waits as the gate takes answers, each after a pause in which nothing is open."""
    texts: list[str] = []
    for _ in range(polls.answers):
        await ctx.sleep(timedelta(seconds=request.patience))
        answer = await polls.wait(ctx, timedelta(seconds=30))
        texts.append(answer.text if answer else "-")
    return Answer(text=" ".join(texts))


SERVED = [wait_for_answer, wait_again, wait_at_once, wait_for_several]


@pytest.fixture(params=["shop", ""], ids=["namespace", "no namespace"])
async def service(request: pytest.FixtureRequest, start_service: StartService) -> AsyncIterator[RunningService]:
    async with start_service(SERVED, namespace=request.param) as service:
        yield service


async def ended(service: RunningService, promise_id: str) -> tuple[str, object]:
    async def end() -> tuple[str, object] | None:
        record = await service.client.find(promise_id)
        if record is None or record.state == "pending":
            return None
        return record.state, record.value.data if record.state == "resolved" else str(error_of(record))

    return await service.poll_until(end, f"{promise_id} ends")


async def start(service: RunningService, root: str, patience: float) -> None:
    await ask.start(service.client, root, Ask(patience=patience), timeout=timedelta(seconds=60))


async def begin(service: RunningService, root: str, patience: float) -> None:
    """Start a workflow, and return once it waits at its gate."""
    await start(service, root, patience)
    await service.poll_until_asked(gate, root)


YES, NO = Answer(text="yes"), Answer(text="no")


async def test_an_answer_resumes_the_workflow(service: RunningService) -> None:
    assert await gate.deliver(service.client, "q/1", YES) == (Delivery.UNKNOWN, None)
    await begin(service, "q/1", patience=30)
    assert await gate.deliver(service.client, "q/1", YES) == (Delivery.TAKEN, YES)
    assert await ended(service, "q/1") == ("resolved", {"text": "yes"})
    assert await gate.deliver(service.client, "q/1", YES) == (Delivery.TAKEN, YES)
    assert await gate.deliver(service.client, "q/1", NO) == (Delivery.CONFLICT, YES)


async def test_what_waited_ends_with_the_answer_and_not_before(service: RunningService) -> None:
    await ask.start(service.client, "q/1", Ask(patience=3 * 86_400), timeout=timedelta(days=5))
    await service.poll_until_asked(gate, "q/1")
    held = await service.poll_until(lambda: service.client.find("q/1:1.1"), "the call to hold waits")
    call = await service.client.find("q/1:1")
    assert call is not None and held.timeout_at == call.timeout_at > held.created_at + 2 * 86_400_000
    await gate.deliver(service.client, "q/1", YES)
    await ended(service, "q/1")
    left = [await service.client.find(id) for id in ("q/1", "q/1:1", "q/1:1.1")]
    assert [promise and promise.state for promise in left] == ["resolved"] * 3


async def test_an_answer_that_comes_first_is_kept(service: RunningService) -> None:
    await service.client.create("q/1", None, 2**52)  # Work that has not begun.
    assert await gate.deliver(service.client, "q/1", YES) == (Delivery.TAKEN, YES)
    assert await gate.deliver(service.client, "q/1", YES) == (Delivery.TAKEN, YES)
    assert await gate.deliver(service.client, "q/1", NO) == (Delivery.CONFLICT, YES)
    # The same for work that asks at last.
    await start(service, "q/2", patience=30)
    assert await gate.deliver(service.client, "q/2", YES) == (Delivery.TAKEN, YES)
    assert await gate.deliver(service.client, "q/2", NO) == (Delivery.CONFLICT, YES)
    assert await ended(service, "q/2") == ("resolved", {"text": "yes"})
    assert await gate.deliver(service.client, "q/2", YES) == (Delivery.TAKEN, YES)
    assert await gate.deliver(service.client, "q/2", NO) == (Delivery.CONFLICT, YES)


async def test_answers_at_any_moment_are_never_lost(service: RunningService) -> None:
    """The answer races the question: whoever comes first, the workflow has it, and none of them waits for ever."""

    async def one(root: str, pause: float) -> None:
        await start(service, root, patience=30)
        await asyncio.sleep(pause)
        assert await gate.deliver(service.client, root, YES) == (Delivery.TAKEN, YES)
        assert await ended(service, root) == ("resolved", {"text": "yes"})

    await asyncio.gather(*(one(f"q/{number}", number / 1000) for number in range(60)))


async def test_of_many_answers_at_once_one_holds(service: RunningService) -> None:
    for root, begins in (("q/early", start), ("q/open", begin)):
        await begins(service, root, patience=30)
        answers = [Answer(text=str(number)) for number in range(10)]
        outcomes = await asyncio.gather(*(gate.deliver(service.client, root, answer) for answer in answers))
        pairs = zip(answers, outcomes, strict=True)
        holding = [answer for answer, (delivery, _) in pairs if delivery is Delivery.TAKEN]
        assert len(holding) == 1
        assert [holds for _, holds in outcomes] == holding * 10
        assert await ended(service, root) == ("resolved", {"text": holding[0].text})


async def test_two_kinds_of_work_ask_under_one_public_id(service: RunningService) -> None:
    """`emp-1` was posted to two routes, whose workflows ask at one gate."""
    await begin(service, "hire/emp-1", patience=30)
    await begin(service, "review/emp-1", patience=30)
    assert await gate.deliver(service.client, "review/emp-1", NO) == (Delivery.TAKEN, NO)
    assert await gate.deliver(service.client, "hire/emp-1", YES) == (Delivery.TAKEN, YES)
    assert await ended(service, "hire/emp-1") == ("resolved", {"text": "yes"})
    assert await ended(service, "review/emp-1") == ("resolved", {"text": "no"})


async def test_nobody_answers(service: RunningService) -> None:
    await begin(service, "q/1", patience=0.2)
    assert await ended(service, "q/1") == ("rejected", "nobody answered")
    assert await gate.deliver(service.client, "q/1", Answer(text="late")) == (Delivery.EXPIRED, None)


async def test_work_that_ends_without_asking(service: RunningService) -> None:
    await service.client.create("q/1", None, 2**52)  # Work that has not begun.
    assert await gate.deliver(service.client, "q/1", YES) == (Delivery.TAKEN, YES)
    await service.client.resolve("q/1", None)
    assert await gate.deliver(service.client, "q/1", YES) == (Delivery.EXPIRED, None)
    assert await gate.deliver(service.client, "q/1", NO) == (Delivery.EXPIRED, None)


async def test_asking_again(service: RunningService) -> None:
    """After a reminder, and for another answer; a message that is delivered again answers no other question."""
    await ask_again.start(service.client, "q/1", Ask(patience=30))
    await service.poll_until_asked(gate, "q/1", 2)
    deliver = partial(gate.deliver, service.client, "q/1")
    assert await deliver(YES, message="m1") == (Delivery.TAKEN, YES)
    assert await deliver(NO, message="m2") in ((Delivery.CONFLICT, YES), (Delivery.TAKEN, NO))
    await service.poll_until_asked(gate, "q/1", 3)
    assert await deliver(YES, message="m1") == (Delivery.TAKEN, YES)
    assert await deliver(NO, message="m2") == (Delivery.TAKEN, NO)
    assert await deliver(YES, message="m1") == (Delivery.TAKEN, YES)
    assert await deliver(YES, message="m3") == (Delivery.CONFLICT, NO)
    assert await ended(service, "q/1") == ("resolved", {"text": "- yes no"})


async def test_an_answer_between_two_questions_is_kept(service: RunningService) -> None:
    """The first wait has expired, the second has not begun."""
    await service.client.create("q/1", None, 2**52)  # Work that has not begun.
    await service.client.create(gate.question_id("q/1"), {"root": "q/1", "held": "q/1:1"}, 2**60)
    await service.client.resolve(gate.question_id("q/1"), {"expired": True})
    assert await gate.deliver(service.client, "q/1", YES) == (Delivery.TAKEN, YES)
    second = await service.client.find(gate.question_id("q/1", 2))
    assert second is not None
    kept: Any = second.param.data
    assert kept["early"]["answer"] == {"text": "yes"}


async def test_a_gate_of_several_answers_keeps_each_for_a_question_of_its_own(service: RunningService) -> None:
    """Whenever they come; one that is delivered again is known by its message."""
    await poll.start(service.client, "q/1", Ask(patience=0.05))
    first = await asyncio.gather(
        *(polls.deliver(service.client, "q/1", Answer(text=text), message=text) for text in ("a", "b"))
    )
    assert [delivery for delivery, _ in first] == [Delivery.TAKEN, Delivery.TAKEN]
    for text in ("a", "b", "a"):
        again = await polls.deliver(service.client, "q/1", Answer(text=text), message=text)
        assert again == (Delivery.TAKEN, Answer(text=text))
    await service.poll_until_asked(polls, "q/1", 3)
    assert await polls.deliver(service.client, "q/1", YES, message="c") == (Delivery.TAKEN, YES)
    state, result = await ended(service, "q/1")
    assert state == "resolved" and result in ({"text": "a b yes"}, {"text": "b a yes"})
    assert await polls.deliver(service.client, "q/1", YES, message="c") == (Delivery.TAKEN, YES)
    assert (await polls.deliver(service.client, "q/1", NO, message="d"))[0] is Delivery.CONFLICT


async def test_a_gate_takes_no_more_answers_than_it_says(service: RunningService) -> None:
    await poll.start(service.client, "q/1", Ask(patience=30))
    taken = [
        (await polls.deliver(service.client, "q/1", Answer(text=text), message=text))[0]
        for text in ("a", "b", "c", "d")
    ]
    assert taken == [*[Delivery.TAKEN] * 3, Delivery.CONFLICT]
    with pytest.raises(ValueError, match="1 answer or more"):
        Gate("none", Answer, answers=0)


async def test_two_waits_at_a_time_fail_at_once(service: RunningService) -> None:
    await ask_at_once.start(service.client, "q/1", Ask(patience=0.5))
    assert await ended(service, "q/1") == (
        "rejected",
        "q/1 waits at gate ask already, and one answer cannot be for both",
    )


async def test_a_crash_between_the_question_and_the_workflow_is_healed(service: RunningService) -> None:
    await begin(service, "q/1", patience=30)
    recorded = {"answer": {"text": "yes"}}
    await service.client.resolve(gate.question_id("q/1"), recorded)  # and the process that did it died here
    assert await gate.deliver(service.client, "q/1", YES) == (Delivery.TAKEN, YES)
    assert await ended(service, "q/1") == ("resolved", {"text": "yes"})


async def test_an_answer_recorded_at_the_last_moment_holds(service: RunningService) -> None:
    await begin(service, "q/1", patience=0.5)
    await service.client.resolve(gate.question_id("q/1"), {"answer": {"text": "yes"}})  # and never passed on
    assert await ended(service, "q/1") == ("resolved", {"text": "yes"})


async def test_a_workflow_that_timed_out_takes_no_answer(service: RunningService) -> None:
    await begin(service, "q/1", patience=30)
    assert isinstance(service.client.network, LocalConnection)
    # It may not wait for longer than it lives, so its deadline is moved.
    service.client.network.state.set_p_timeout(service.client.namespace.engine_id("q/1"), 0)
    assert (await ended(service, "q/1"))[0] == "rejected_timedout"
    assert await gate.deliver(service.client, "q/1", Answer(text="late")) == (Delivery.EXPIRED, None)


async def test_the_question_outlives_the_workflow(service: RunningService) -> None:
    await begin(service, "q/1", patience=30)
    root, asked = await service.client.find("q/1"), await service.client.find("ask/q/1")
    assert root is not None and asked is not None
    assert asked.timeout_at - root.timeout_at == timedelta(days=1).total_seconds() * 1000
    question: Any = asked.param.data
    assert question["root"] == "q/1" and question["held"].startswith("q/1:")
    # Without a target, resonate-pg ends it at its time-out for this tag alone; else it would be pending for ever.
    assert asked.tags["resonate:external"] == "true"


async def test_a_question_of_the_release_before_is_answered(service: RunningService) -> None:
    """It left out the kind of work, and the step that asked recorded nothing."""
    await begin(service, "q/1", patience=30)
    asked = await service.client.find("ask/q/1")
    assert asked is not None and isinstance(service.client.network, LocalConnection)
    namespace = service.client.namespace
    promises = service.client.network.state.promises
    former = promises.pop(namespace.engine_id("ask/q/1"))
    promises[namespace.engine_id("ask/1")] = structs.replace(former, id=namespace.engine_id("ask/1"))
    promises[namespace.engine_id("q/1:2")].value = {"headers": {}, "data": ""}
    assert await gate.deliver(service.client, "q/1", YES) == (Delivery.TAKEN, YES)
    assert await ended(service, "q/1") == ("resolved", {"text": "yes"})
    assert await gate.deliver(service.client, "q/1", NO) == (Delivery.CONFLICT, YES)
    await start(service, "other/1", patience=30)
    assert await gate.deliver(service.client, "other/1", NO) == (Delivery.TAKEN, NO)


@pytest.mark.parametrize("answer", [None, "yes"])
async def test_a_question_of_the_release_before_under_a_key_of_its_own(
    service: RunningService, answer: str | None
) -> None:
    """Nobody can answer it any more, and its wait ends so; with the answer that had come before."""
    await begin(service, "q/1", patience=0.5)
    assert isinstance(service.client.network, LocalConnection)
    namespace, promises = service.client.namespace, service.client.network.state.promises
    del promises[namespace.engine_id("ask/q/1")]
    promises[namespace.engine_id("q/1:2")].value = {"headers": {}, "data": ""}
    if answer is not None:
        await end_hold(service.client, "q/1:1", {"answer": {"text": answer}})
    wanted: object = ("resolved", {"text": answer}) if answer else ("rejected", "nobody answered")
    assert await ended(service, "q/1") == wanted


@pytest.mark.parametrize("name", ["q", "payment", "job", "gate", "a" * 34])
async def test_a_gate_may_have_any_name(start_service: StartService, name: str) -> None:
    """Also that of a kind of work, and one so long that the id of its question is shortened."""
    named = Gate(name, Answer)

    @serve(ask)
    async def wait(ctx: Context, request: Ask) -> Answer:
        return await named.wait(ctx, timedelta(seconds=request.patience)) or NO

    async with start_service([wait]) as service:
        for root in ("q/1", f"{name}/1", f"q/{'x' * 188}"):
            await ask.start(service.client, root, Ask(patience=30))
            await service.poll_until_asked(named, root)
            assert len(named.question_id(root)) <= MAX_ROOT
            assert await named.deliver(service.client, root, YES) == (Delivery.TAKEN, YES)
            assert await ended(service, root) == ("resolved", {"text": "yes"})
