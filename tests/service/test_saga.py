"""`durable.saga`: what was done is undone, in reverse and durably, whatever ends the saga and wherever it crashes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.database import Database
from shop.runtime.durable.cancel import ask, find_job
from shop.runtime.durable.ids import job_id, job_root, operation_id
from shop.runtime.durable.once import once, undo_once
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.durable.saga import saga
from shop.runtime.engine.client import EngineClient
from shop.runtime.errors import Failure
from shop.runtime.http.work import Status
from shop.runtime.testing.crashes import Crashes
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


SERVED: list[Any] = [run_order, run_step, run_undo]


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


@pytest.mark.parametrize("fails", [{"ship": "refused"}, {"charge": "canceled"}])
def test_a_crash_goes_on_with_it(crashes: Crashes, fails: dict[str, str]) -> None:
    outcome = crashes(order, Order(fails=fails), served=SERVED)
    assert outcome.status is not Status.RUNNING
