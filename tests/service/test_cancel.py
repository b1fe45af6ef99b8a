"""`durable.cancel`: a canceled job stops at its next durable call, cleans up, and is `canceled` to everybody."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel
from resonate.context import Context
from shop.__main__ import SERVICE, main
from shop.runtime.durable import cancel
from shop.runtime.durable.cancel import request_cancel
from shop.runtime.durable.cancel_requests import cancel_request_id
from shop.runtime.durable.gate import Delivery, Gate
from shop.runtime.durable.job_runs import retry
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.client import EngineClient
from shop.runtime.engine.offers import WorkerResonate
from shop.runtime.errors import Canceled, OperatorError
from shop.runtime.http.work import Outcome, Status, wait_for_end
from shop.runtime.telemetry import metrics
from shop.runtime.testing.running import RunningService, StartService


class Order(BaseModel):
    how: str = ""


class Done(BaseModel):
    text: str = ""


gate = Gate("permit", Done)
work = Rpc(name="work", group="dev", request=Order, result=Done, timeout=timedelta(minutes=1))
child = Rpc(name="child", group="dev", request=Order, result=Done, timeout=timedelta(minutes=1))
leaf = Rpc(name="leaf", group="dev", request=Order, result=Done)

events: list[str] = []


class Moments:
    """What steps wait for. An event belongs to the loop of its test."""

    def __init__(self) -> None:
        self.goes_on, self.undo_goes_on = asyncio.Event(), asyncio.Event()


moments = Moments()


async def note(ctx: Context, what: str) -> None:
    events.append(what)


async def clean_up(ctx: Context) -> None:
    events.append("cleaned up")


async def slow(ctx: Context) -> None:
    events.append("slow began")
    await moments.goes_on.wait()
    events.append("slow ended")


@serve(leaf)
async def run_leaf(ctx: Context, request: Order) -> Done:
    if request.how == "undo":
        events.append("undoing")
        await moments.undo_goes_on.wait()
    else:
        await slow(ctx)
    return Done(text="leaf")


@serve(child)
async def run_child(ctx: Context, request: Order) -> Done:
    if request.how == "undo":
        await ctx.run(note, "undo began")
        await leaf(ctx, request)
        await ctx.run(note, "undo ended")
        return Done(text="undone")
    try:
        await ctx.sleep(timedelta(seconds=30))
    except Canceled:
        await ctx.run(note, "child cleaned up")
        raise
    return Done()


async def wait_at_gate(ctx: Context) -> None:
    await gate.wait(ctx, timedelta(seconds=30))


async def sleep(ctx: Context) -> None:
    await ctx.sleep(timedelta(seconds=30))


async def sleep_behind_what_is_left_to_itself(ctx: Context) -> None:
    await ctx.detached(child.name, Order().model_dump(mode="json"))
    await ctx.sleep(timedelta(seconds=30))


async def run_step(ctx: Context) -> None:
    await ctx.run(slow)


async def run_steps_inside(ctx: Context) -> None:
    async def outer(ctx: Context) -> None:
        await ctx.sleep(timedelta(seconds=30))

    await ctx.run(outer)


async def call_after_step(ctx: Context) -> None:
    await ctx.run(slow)
    await leaf(ctx, Order())


WAYS: dict[str, Callable[[Context], Awaitable[Any]]] = {
    "gate": wait_at_gate,
    "sleep": sleep,
    "sleep in a step": run_steps_inside,
    "behind": sleep_behind_what_is_left_to_itself,
    "step": run_step,
    "leaf": lambda ctx: leaf(ctx, Order()),
    "child": lambda ctx: child(ctx, Order()),
    "untaken": call_after_step,
    "promise": lambda ctx: ctx.promise(timedelta(seconds=30)),
    "undo": run_step,
}


@serve(work)
async def run_work(ctx: Context, request: Order) -> Done:
    await ctx.run(note, "began")
    try:
        await WAYS[request.how](ctx)
        await ctx.run(note, "went on")
    except Canceled:
        await ctx.run(clean_up)
        if request.how == "undo":
            await child(ctx, Order(how="undo"))
        raise
    return Done(text="done")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancel, "FRESH", 0.1)  # Who cancels looks again for a shorter time.
    events.clear()
    vars(moments).update(vars(Moments()))


@pytest.fixture
async def service(start_service: StartService) -> AsyncIterator[RunningService]:
    async with start_service([run_work, run_child, run_leaf]) as service:
        yield service


async def begin(service: RunningService, how: str, root: str = "job/a") -> None:
    """Start a job, and return once it waits."""
    await work.start(service.client, root, Order(how=how))

    async def waits() -> bool:
        if how in ("step", "leaf", "untaken", "undo"):
            return "slow began" in events
        if how == "gate":
            return await service.client.find(gate.question_id(root)) is not None
        call = await service.client.find(f"{root}:{3 if how == 'behind' else 2}")
        if call is None or how != "child":
            return call is not None
        return await service.client.find(f"{root}:2.1") is not None

    await service.poll_until(waits, "the job waits")
    await asyncio.sleep(0.05)


async def end(client: EngineClient, root: str = "job/a") -> Outcome:
    record = await client.find(root)
    assert record is not None
    return Outcome.of(await wait_for_end(client, record, 5))


async def calls(client: EngineClient, root: str = "job/a") -> list[tuple[str, str]]:
    """The calls of a job with their states."""
    found: list[tuple[str, str]] = []
    for number in range(1, 20):
        record = await client.find(f"{root}:{number}")
        if record is None:
            break
        found.append((record.id, record.state))
    return found


@pytest.mark.parametrize("how", ["gate", "sleep", "sleep in a step", "child", "promise"])
async def test_a_job_that_waits_ends_at_once(service: RunningService, how: str) -> None:
    await begin(service, how)
    await request_cancel(service.client, "job/a")
    outcome = await end(service.client)
    assert (outcome.status, outcome.error and outcome.error.code, outcome.http_status) == (
        Status.CANCELED,
        "canceled",
        409,
    )
    assert events == ["began", *(["child cleaned up"] if how == "child" else []), "cleaned up"]
    assert "pending" not in dict(await calls(service.client)).values()
    # The same again changes nothing.
    made = await calls(service.client)
    assert Outcome.of(await request_cancel(service.client, "job/a")).status is Status.CANCELED
    assert await calls(service.client) == made


async def test_a_wait_behind_what_was_left_to_itself_ends_too(service: RunningService) -> None:
    """What was left to itself is no part of the job, and goes on."""
    await begin(service, "behind")
    await request_cancel(service.client, "job/a")
    assert (await end(service.client)).status is Status.CANCELED
    assert events == ["began", "cleaned up"]


@pytest.mark.parametrize("how", ["step", "leaf"])
async def test_what_runs_goes_on_to_its_end(service: RunningService, how: str) -> None:
    await begin(service, how)
    record = await request_cancel(service.client, "job/a")
    assert record.state == "pending" and events[-1] == "slow began"
    moments.goes_on.set()
    assert (await end(service.client)).status is Status.CANCELED
    assert events == ["began", "slow began", "slow ended", "cleaned up"]


async def test_a_late_answer_is_refused(service: RunningService) -> None:
    await begin(service, "gate")
    await request_cancel(service.client, "job/a")
    await end(service.client)
    question = await service.client.find(gate.question_id("job/a"))
    assert question is not None and question.state == "resolved"
    assert await gate.deliver(service.client, "job/a", Done(text="yes")) == (Delivery.EXPIRED, None)


async def test_what_was_never_begun_is_not_begun(service: RunningService) -> None:
    assert isinstance(service.client.resonate, WorkerResonate)
    service.client.resonate.offers.pause(True)
    counted = metrics.JOBS_ENDED.labels("work", "canceled")
    before = counted._value.get()
    await work.start(service.client, "job/a", Order(how="sleep"))
    assert Outcome.of(await request_cancel(service.client, "job/a")).status is Status.CANCELED
    service.client.resonate.offers.pause(False)
    await asyncio.sleep(0.1)
    assert events == [] and await calls(service.client) == []
    assert counted._value.get() == before + 1


async def test_a_call_that_was_never_taken_is_never_begun(service: RunningService) -> None:
    await begin(service, "untaken")
    assert isinstance(service.client.resonate, WorkerResonate)
    service.client.resonate.offers.pause(True)
    moments.goes_on.set()
    await service.poll_until(lambda: service.client.find("job/a:3"), "the call is made")
    await asyncio.sleep(0.05)
    await request_cancel(service.client, "job/a")
    service.client.resonate.offers.pause(False)
    assert (await end(service.client)).status is Status.CANCELED
    assert events == ["began", "slow began", "slow ended", "cleaned up"]


async def test_what_cleans_up_is_not_canceled(service: RunningService) -> None:
    """Neither by the request, of which its run would hear, nor by who asks again while it waits."""
    await begin(service, "undo")
    await request_cancel(service.client, "job/a")
    moments.goes_on.set()

    async def undoes() -> bool:
        return "undoing" in events

    await service.poll_until(undoes, "the undo runs")
    assert (await request_cancel(service.client, "job/a")).state == "pending"
    moments.undo_goes_on.set()
    assert (await end(service.client)).status is Status.CANCELED
    assert events[-5:] == ["slow ended", "cleaned up", "undo began", "undoing", "undo ended"]


async def test_no_such_job_and_one_that_has_ended(service: RunningService) -> None:
    with pytest.raises(OperatorError, match="keeps no job job/b"):
        await request_cancel(service.client, "job/b")
    moments.goes_on.set()
    await work.start(service.client, "job/a", Order(how="step"))
    assert (await end(service.client)).status is Status.SUCCEEDED
    with pytest.raises(OperatorError, match="has succeeded"):
        await request_cancel(service.client, "job/a")
    assert await service.client.find(cancel_request_id("job/a")) is None


async def test_who_is_told_with_the_run_asks_nothing(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    get = service.client.resonate.promises.get

    async def count(engine_id: str) -> Any:
        asked.append(engine_id)
        return await get(engine_id)

    await begin(service, "leaf")
    await request_cancel(service.client, "job/a")
    monkeypatch.setattr(service.client.resonate.promises, "get", count)
    moments.goes_on.set()
    assert (await end(service.client)).status is Status.CANCELED
    assert cancel_request_id("shop/job/a") not in asked


async def test_by_force_nothing_is_undone(service: RunningService) -> None:
    await begin(service, "child")
    assert (await request_cancel(service.client, "job/a", hard=True)).state == "rejected_canceled"
    assert (await end(service.client)).status is Status.CANCELED
    open_calls = [await service.client.find(f"job/a:{call}") for call in ("2", "2.1")]
    assert [call and call.state for call in open_calls] == ["rejected_canceled"] * 2
    assert events == ["began"]


@pytest.mark.parametrize("hard", [False, True])
async def test_a_canceled_job_is_started_again(service: RunningService, hard: bool) -> None:
    """From its beginning or a later call; it is not canceled because the run before was."""
    await begin(service, "step")
    await request_cancel(service.client, "job/a", hard=hard)
    moments.goes_on.set()
    assert (await end(service.client)).status is Status.CANCELED
    # What was canceled is not kept.
    again = await retry(service.client, "job/a", "note" if hard else "clean_up")
    assert (await end(service.client, again.record.id)).status is Status.SUCCEEDED
    with pytest.raises(OperatorError, match="has succeeded"):
        await request_cancel(service.client, "job/a")


async def test_it_counts_as_canceled(service: RunningService) -> None:
    counted = metrics.JOBS_ENDED.labels("work", "canceled")
    before = counted._value.get()
    await begin(service, "sleep")
    await request_cancel(service.client, "job/a")
    await end(service.client)
    assert counted._value.get() == before + 1


async def test_the_command(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def engine(*_: object) -> AsyncIterator[Any]:
        yield service.client

    monkeypatch.setattr(type(SERVICE), "engine", engine)
    monkeypatch.setenv("RESONATE_URL", "http://127.0.0.1:9")
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(asyncio, "run", lambda work, **_: asyncio.run_coroutine_threadsafe(work, loop).result())

    async def command(line: str) -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, main, line.split())
        return done.exit_code, done.output

    status, said = await command("runs cancel job/a")
    assert (status, said.splitlines()[0]) == (1, "Error: the engine keeps no job job/a")
    await begin(service, "step")
    assert await command("runs cancel job/a") == (0, "job/a stops at its next call: job/a\n")
    status, said = await command("runs cancel shop/job/a --hard --json")
    assert (status, json.loads(said)) == (0, {"job": "shop/job/a", "run": "job/a", "status": "canceled"})
    assert await command("runs cancel job/a --hard") == (0, "job/a was canceled; nothing was undone: job/a\n")
    moments.goes_on.set()
