"""`engine.misfits` and `durable.calls`: where the code does not fit a run, the run waits for code that does."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from resonate.connections.local import ServerState
from resonate.context import Context
from resonate.error import FunctionNotFoundError, PlatformError, StoppedError
from resonate.types import PromiseRecord, Value
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.rpc import Registration, Rpc, serve
from shop.runtime.engine import misfits, watch
from shop.runtime.engine.misfits import Misfits, does_not_fit, find_problem, problem_of
from shop.runtime.engine.watch import find_untaken
from shop.runtime.engine.worker import stop
from shop.runtime.service import Service
from shop.runtime.testing.running import StartService, open_calls

from .lives import Life
from .telemetry import Log, counted
from .waiting import until


class Text(BaseModel):
    """A request and a result."""

    text: str = ""


class Priced(BaseModel):
    """The same in the next release, with a field that must be there."""

    text: str = ""
    price: int


class Decision(BaseModel):
    """An answer."""

    yes: bool = True


work = Rpc(name="work", group="workers", request=Text, result=Text)
part = Rpc(name="part", group="workers", request=Text, result=Text)
other = Rpc(name="other", group="workers", request=Text, result=Text)
asked = Gate("asked", Decision)


async def check(ctx: Context) -> Text:
    """A step."""
    return Text(text="checked")


async def check_more(ctx: Context) -> Text:
    """Another step."""
    return Text(text="checked more")


@serve(part)
async def answer(ctx: Context, request: Text) -> Text:
    """Answer at once."""
    return Text(text="answered")


@serve(other)
async def answer_too(ctx: Context, request: Text) -> Text:
    """Answer at once."""
    return Text(text="answered, too")


@serve(work)
async def as_recorded(ctx: Context, request: Text) -> Text:
    """Make a call and a step, and wait for an answer."""
    checked = await ctx.run(check)
    answered = await part(ctx, request)
    await asked.wait(ctx, timedelta(hours=1))
    return Text(text=f"{checked.text}, {answered.text}")


async def check_price(ctx: Context) -> Priced:
    """The step `check`, whose result has one more field."""
    return Priced(price=1)


check_price.__name__ = "check"


def changed(first: Any, second: Rpc[Any, Any], request: type[BaseModel] = Text) -> Registration[Any, Any]:
    """The workflow as other code has it."""

    @serve(Rpc(name="work", group="workers", request=request, result=Text))
    async def run(ctx: Context, request: BaseModel) -> Text:
        await ctx.run(first)
        await second(ctx, Text())
        await asked.wait(ctx, timedelta(hours=1))
        return Text(text="by other code")

    return run


async def swapped(ctx: Context, request: Text) -> Text:
    """The workflow with its calls in another order."""
    await part(ctx, request)
    await ctx.run(check)
    return Text()


priced_part = Rpc(name="part", group="workers", request=Text, result=Priced)

MISFITS = {
    "a function that is not there": (None, "no function work (version 1) is served here"),
    "a field of a step's result": (
        changed(check_price, part),
        "the recorded result of check cannot be read: price: Field required",
    ),
    "a field of a call's result": (changed(check, priced_part), "the result of part cannot be read: price: Field req"),
    "a field of the request": (
        changed(check, part, Priced),
        "the request of work does not fit its contract: price: Field req",
    ),
    "another step": (
        changed(check_more, part),
        "call shop/job/1:1 was the step check, and this code makes the step check_more in its place",
    ),
    "another call": (
        changed(check, other),
        "call shop/job/1:2 was a call of part, and this code makes a call of other in its place",
    ),
    "another order": (
        serve(work)(swapped),
        "call shop/job/1:1 was the step check, and this code makes a call of part in its place",
    ),
}


@pytest.mark.parametrize(("code", "problem"), MISFITS.values(), ids=MISFITS)
async def test_a_run_that_the_code_does_not_fit_waits_for_code_that_does(
    definition: Service,
    monkeypatch: pytest.MonkeyPatch,
    log: Log,
    code: Registration[Any, Any] | None,
    problem: str,
) -> None:
    monkeypatch.setattr(watch, "YOUNG", 0.0)
    monkeypatch.setattr(misfits, "UNSERVED_AFTER", 0.2)
    state = ServerState()
    job = "shop/job/1"

    # The release that began it.
    before = Life(definition, state, as_recorded, answer)
    await work.start(before.client, "job/1", Text(), timeout=timedelta(days=1))
    await until(lambda: before.client.find("asked/job/1"))
    await until(lambda: state.tasks[job].state == "suspended")
    await before.die()

    # One that it does not fit.
    served = [answer, answer_too, *([code] if code else [])]
    wrong = Life(definition, state, *served)
    await asked.deliver(wrong.client, "job/1", Decision())
    await until(wrong.client.health_problem)
    await asyncio.sleep(0.3)
    assert state.promises[job].state == "pending"
    assert state.tasks[job].version < 12, "it is taken again and again"
    said = await wrong.client.health_problem()
    assert said and said.startswith(f"1 runs wait for code that fits them, such as work: {problem}")
    (line,) = log.lines(logger="shop.runtime.engine.misfits")
    assert line["level"] == ("ERROR" if code else "WARNING")
    assert problem in line["message"] and line["job"] == job
    assert not log.lines(level="ERROR", logger="resonate.core")
    # And its own answer.
    await until(lambda: find_problem(wrong.client, job))
    record = await wrong.client.find("job/1")
    assert record is not None
    untaken = await find_untaken(wrong.client, record)
    assert untaken and untaken.function == "work" and untaken.problem and untaken.problem.startswith(problem)
    await wrong.die()

    # One that it fits.
    right = Life(definition, state, as_recorded, answer)
    await until(lambda: state.promises[job].state == "resolved")
    assert await right.client.health_problem() is None
    await stop(right.client, timedelta(seconds=1))


async def test_a_worker_that_stays_goes_on_by_itself(definition: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a value that it needs has arrived meanwhile; what it has said is taken back."""
    monkeypatch.setattr(misfits, "LONGEST_PAUSE", 0.1)
    fits = False

    @serve(work)
    async def read(ctx: Context, request: Text) -> Text:
        if not fits:
            raise does_not_fit("it cannot be read")
        return request

    state = ServerState()
    life = Life(definition, state, read)
    await work.start(life.client, "job/1", Text())
    await until(lambda: find_problem(life.client, "shop/job/1"))
    fits = True
    await until(lambda: state.promises["shop/job/1"].state == "resolved")
    await until(lambda: life.worker.misfits.count == 0)
    assert await find_problem(life.client, "shop/job/1") is None
    await stop(life.client, timedelta(seconds=1))


async def test_what_an_earlier_release_recorded_still_fits(definition: Service) -> None:
    """It recorded neither the names of steps nor passes."""
    state = ServerState()
    life = Life(definition, state, as_recorded, answer)
    await work.start(life.client, "job/1", Text(), timeout=timedelta(days=1))
    await until(lambda: state.tasks["shop/job/1"].state == "suspended" and "shop/asked/job/1" in state.promises)
    await life.die()
    for promise in state.promises.values():
        for tag in ("run", "step"):
            promise.tags.pop(tag, None)
    life = Life(definition, state, as_recorded, answer)
    await asked.deliver(life.client, "job/1", Decision())
    await until(lambda: state.promises["shop/job/1"].state == "resolved")
    await stop(life.client, timedelta(seconds=1))


def test_pauses_grow_up_to_a_minute() -> None:
    held = Misfits()
    record = PromiseRecord(
        id="job/1", state="pending", timeout_at=0, param=Value(data={"func": "work", "args": []}), tags={}
    )
    delays = []
    for _ in range(9):
        held.hold(record, "it cannot be read")
        delays.append(round(held.delay("job/1")))
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert held.delay("job/2") == 0


def test_a_function_that_others_may_know_is_handed_back_soon(monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    """In 3 s it is offered a dozen times, to any worker; and nothing is said but one line a minute."""
    now = 1000.0
    monkeypatch.setattr(misfits, "monotonic", lambda: now)
    held = Misfits()
    before = counted("worker_unknown_functions_total")
    begun, stays = now, []
    while now - begun < 59:
        for number in (1, 2):
            run = PromiseRecord(id=f"job/{number}", state="pending", timeout_at=0, param=Value(data={"func": "work"}))
            stays.append(held.hold(run, "no function work is served here", unknown=True))
        assert held.delay("job/1") == 0
        assert held.problem() is None
        now += stays[-1]
    assert sum(stays[:24:2]) < 4.5 and max(stays) <= 6 and len(stays) < 120
    assert counted("worker_unknown_functions_total") - before == len(stays)
    (line,) = log.lines(logger="shop.runtime.engine.misfits")
    assert line["level"] == "WARNING"

    # Another worker has the first by now; nobody has the second.
    now += 31
    held.hold(run, "no function work is served here", unknown=True)
    assert held.problem() == "1 runs wait for code that fits them, such as work: no function work is served here"
    assert held.delay("job/2") > 0


def test_other_errors_are_no_misfits() -> None:
    assert problem_of(PlatformError([StoppedError()])) is None
    assert problem_of(ValueError()) is None
    assert problem_of(FunctionNotFoundError("f", 2)) == "no function f (version 2) is served here"


async def test_a_test_that_waits_for_such_a_run_says_so(start_service: StartService) -> None:
    async with start_service([changed(check, priced_part), answer], shutdown_grace=0) as service:
        await work.start(service.client, "job/1", Text())
        await until(lambda: find_problem(service.client, "shop/job/1"))
        lines = open_calls(service.client).splitlines()
    expected = "  shop/job/1: work, of group shop.workers; its code does not fit it: the result of part cannot be read"
    assert len(lines) == 2 and lines[1].startswith(expected)
