"""`durable.saga`: what was done is undone, in reverse and durably, whatever ends the saga and wherever it crashes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.database import Database
from shop.runtime.durable.cancel import ask, find_job
from shop.runtime.durable.ids import job_id, job_root, operation_id
from shop.runtime.durable.job_runs import retry
from shop.runtime.durable.once import once, undo_once
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.durable.saga import saga
from shop.runtime.engine.client import EngineClient
from shop.runtime.errors import Failure, NotCompensated, OperationConflict, OperatorError
from shop.runtime.http.work import Outcome, Status, wait_for_end
from shop.runtime.testing.crashes import Crashes
from shop.runtime.testing.history import History
from shop.runtime.testing.recording import record
from shop.runtime.testing.replay import Changed, replay
from shop.runtime.testing.running import RunningService, StartService
from sqlalchemy.ext.asyncio import AsyncSession


class Order(BaseModel):
    """``fails`` says which step fails, and how; ``broken`` which undos do."""

    fails: dict[str, str] = {}
    broken: list[str] = []


class Move(BaseModel):
    step: str
    how: str = ""


class Done(BaseModel):
    steps: list[str] = []


order = Rpc(name="order", group="dev", request=Order, result=Done, timeout=timedelta(minutes=5))
do_step = Rpc(name="do-step", group="dev", request=Move, result=Done)
misuse = Rpc(name="misuse", group="dev", request=Done, result=Done, timeout=timedelta(minutes=5))
undo_step = Rpc(name="undo-step", group="dev", request=Move, result=Done)
STEPS = ("reserve", "charge", "ship")

events: list[str] = []


@pytest.fixture(autouse=True)
def _clean() -> None:
    events.clear()


@serve(do_step)
async def run_step(ctx: Context, request: Move) -> Done:
    if request.how == "refused":
        raise Failure(f"{request.step} was refused", code="refused", status=402)

    async def effect(session: AsyncSession) -> Done:
        events.append(request.step)
        return Done(steps=[request.step])

    done = await once(
        ctx.get_dependency(Database), operation_id(request.step, job_id(ctx)), request, Done, effect, match=()
    )
    if request.how == "half-way":
        raise ConnectionError("it was done, and the answer is lost")
    if request.how == "canceled":
        client = ctx.get_dependency(EngineClient)
        job = await find_job(client, job_root(ctx))
        assert job is not None
        await ask(client, job)
    if request.how == "slow":
        await asyncio.sleep(30)
    return done


@serve(undo_step)
async def run_undo(ctx: Context, request: Move) -> Done:
    async def effect(session: AsyncSession, done: Done) -> None:
        events.extend(f"un{step}" for step in done.steps)

    if request.how == "broken":
        raise ValueError("it cannot be undone")
    was_done = await undo_once(ctx.get_dependency(Database), operation_id(request.step, job_id(ctx)), Done, effect)
    return Done(steps=[request.step] if was_done else [])


@serve(order)
async def run_order(ctx: Context, request: Order) -> Done:
    async with saga(ctx, undo_within=timedelta(minutes=4, seconds=58)) as s:
        for step in STEPS:
            how = "broken" if step in request.broken else ""
            await s.do(
                do_step(ctx, Move(step=step, how=request.fails.get(step, ""))),
                undo=partial(undo_step, ctx, Move(step=step, how=how)),
            )
    return Done(steps=list(STEPS))


async def run_without_undos(ctx: Context, request: Order) -> Done:
    for step in STEPS:
        await do_step(ctx, Move(step=step, how=request.fails.get(step, "")))
    return Done()


async def refusal(use: Awaitable[Any]) -> str:
    try:
        await use
    except (TypeError, RuntimeError) as error:
        return f"{type(error).__name__} {error!s}"
    return "taken"


@serve(misuse)
async def run_misuse(ctx: Context, request: Done) -> Done:
    """What a type checker sees, too."""
    move, other = Move(step="reserve"), Move(step="charge")
    used: Any = saga(ctx)
    said: list[str] = []
    async with used:
        said.append(await refusal(used.do(Done(), undo=lambda: undo_step(ctx, other))))
        said.append(await refusal(used.do(do_step(ctx, move), undo=undo_step(ctx, other))))
    said.append(await refusal(used.do(do_step(ctx, move), undo=lambda: undo_step(ctx, move))))
    try:
        async with (again := cast(Any, saga(ctx))):
            await again.do(do_step(ctx, move), undo=lambda: None)
            raise Failure("no")
    except NotCompensated as error:
        said.append(f"{error.code} {error.steps[0]}")
    texts = ("TypeError a saga takes durable calls", "TypeError undo is a function")
    wanted = (*texts, "RuntimeError the steps of a saga are made inside")
    return Done(steps=[next((text for text in wanted if one.startswith(text)), one) for one in said])


SERVED: list[Any] = [run_order, run_step, run_undo, run_misuse]


@pytest.fixture
async def service(start_service: StartService) -> AsyncIterator[RunningService]:
    async with start_service(SERVED) as service:
        yield service


CASES = [
    ({}, "", ["reserve", "charge", "ship"]),
    ({"reserve": "refused"}, "refused", []),
    ({"ship": "refused"}, "refused", ["reserve", "charge", "uncharge", "unreserve"]),
    ({"charge": "half-way"}, "internal-error", ["reserve", "charge", "uncharge", "unreserve"]),
    ({"charge": "canceled"}, "canceled", ["reserve", "charge", "uncharge", "unreserve"]),
    ({"ship": "slow"}, "timed-out", ["reserve", "charge", "ship", "unship", "uncharge", "unreserve"]),
]


@pytest.mark.parametrize(("fails", "code", "wanted"), CASES)
async def test_what_was_done_is_undone_in_reverse(
    service: RunningService, fails: dict[str, str], code: str, wanted: list[str]
) -> None:
    outcome = await service.outcome(order, "order/1", Order(fails=fails))
    assert (outcome.error.code if outcome.error else "") == code
    assert outcome.status is (Status.CANCELED if code == "canceled" else Status.FAILED if code else Status.SUCCEEDED)
    assert events == wanted


async def test_an_undo_that_fails_keeps_no_other_from_running(service: RunningService) -> None:
    outcome = await service.outcome(order, "order/1", Order(fails={"ship": "refused"}, broken=["charge"]))
    assert outcome.error is not None and outcome.error.code == "not-compensated"
    assert outcome.members == {"steps": ["do-step"]}
    assert "refused" in outcome.error.message
    assert events == ["reserve", "charge", "unreserve"]


async def test_a_canceled_saga_replays(start_service: StartService) -> None:
    """Its history has the call in whose place it was canceled, and the undos."""
    async with start_service(SERVED, namespace="") as service:
        history = await record(service.client, {}, order, "order/1", Order(fails={"charge": "canceled"}))
    ended = [(call.name, call.outcome.raised) for call in history.calls]
    assert ended == [
        ("do-step", None),
        ("do-step", None),
        ("do-step", "Canceled"),
        ("undo-step", None),
        ("undo-step", None),
    ]
    assert History.model_validate_json(history.text()) == history
    events.clear()
    await replay(history, SERVED)
    with pytest.raises(Changed, match="call 4 was `rpc undo-step`, is no longer made"):
        await replay(history, [serve(order)(run_without_undos), run_step, run_undo])
    assert events == []


async def test_a_saga_without_time_for_its_steps_is_refused(service: RunningService) -> None:
    started = await order.start(service.client, "order/1", Order(), timeout=timedelta(minutes=4))
    outcome = Outcome.of(await wait_for_end(service.client, started, 10))
    assert outcome.error is not None and outcome.error.code == "saga-without-time"


async def test_what_would_undo_nothing_is_refused(service: RunningService) -> None:
    outcome = await service.outcome(misuse, "misuse/1", Done())
    assert outcome.result == {
        "steps": [
            "TypeError a saga takes durable calls",
            "TypeError undo is a function",
            "RuntimeError the steps of a saga are made inside",
            "not-compensated do-step",
        ]
    }


async def test_what_was_undone_is_not_started_again(service: RunningService) -> None:
    await service.outcome(order, "order/1", Order(fails={"ship": "refused"}))
    with pytest.raises(OperatorError, match="a saga of order/1 was undone"):
        await retry(service.client, "order/1")
    # Nothing had been done, so nothing was undone.
    await service.outcome(order, "order/2", Order(fails={"reserve": "refused"}))
    assert (await retry(service.client, "order/2")).is_new


async def test_an_undo_comes_once_and_before_what_is_late(database: Database) -> None:
    async def effect(session: AsyncSession, done: Done) -> None:
        events.append(f"undid {done.steps}")

    async def late(session: AsyncSession) -> Done:
        raise AssertionError

    async def reserve(session: AsyncSession) -> Done:
        return Done(steps=["a"])

    assert not await undo_once(database, "op/late", Done, effect)
    with pytest.raises(OperationConflict, match="was undone, and is not done again"):
        await once(database, "op/late", Done(), Done, late)
    await once(database, "op/done", Done(), Done, reserve)
    assert [await undo_once(database, "op/done", Done, effect) for _ in range(2)] == [True, True]
    assert events == ["undid ['a']"]


def test_a_crash_goes_on_with_it(crashes: Crashes) -> None:
    outcome = crashes(order, Order(fails={"charge": "canceled"}), served=SERVED)
    assert outcome.status is Status.CANCELED
