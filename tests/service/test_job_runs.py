"""`durable.job_runs`: work that failed is started again, finds what was done, and is one piece of work to everybody."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel
from resonate.context import Context
from shop.__main__ import SERVICE, main
from shop.runtime.database import Database
from shop.runtime.durable.gate import Delivery, Gate
from shop.runtime.durable.ids import call_id, job_id, operation_id
from shop.runtime.durable.job_runs import all_runs, retry
from shop.runtime.durable.once import once
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.offers import WorkerResonate
from shop.runtime.engine.run_ids import first_run, run_id, run_number
from shop.runtime.errors import Failure, OperatorError
from shop.runtime.http.webhooks import Signed, start_once
from shop.runtime.http.work import Outcome, wait_for_end
from shop.runtime.service import Worker, reconcile_group
from shop.runtime.testing.running import RunningService, StartService
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class Request(BaseModel):
    """What is wanted; the moments are how long it waits for its answers."""

    amount: int = 1
    patience: float = 30.0


class Done(BaseModel):
    """What was done, and what its gate said."""

    text: str = ""


write = Rpc(name="write", group="dev", request=Request, result=Done)
work = Rpc(name="work", group="dev", request=Request, result=Done, timeout=timedelta(seconds=60))
gate = Gate("permit", Done)
YES, NO = Done(text="yes"), Done(text="no")

is_broken = asyncio.Event()  # Set while the code has a mistake.
events: list[str] = []


@serve(write)
async def run_write(ctx: Context, request: Request) -> Done:
    async def effect(session: AsyncSession) -> Done:
        events.append(f"wrote {call_id(ctx)} for {job_id(ctx)}")
        return Done(text="written")

    return await once(ctx.get_dependency(Database), operation_id("write", call_id(ctx)), request, Done, effect)


async def look(ctx: Context) -> str:
    events.append("looked")
    return "seen"


async def finish(ctx: Context) -> str:
    if is_broken.is_set():
        raise Failure("a mistake", status=500)
    return "finished"


@serve(work)
async def run_work(ctx: Context, request: Request) -> Done:
    """Two waits at a gate, of which the first may expire, between two writes."""
    seen = await ctx.run(look)
    written = [await write(ctx, request)]
    answers = [await gate.wait(ctx, timedelta(seconds=seconds)) for seconds in (request.patience, 30)]
    written.append(await write(ctx, request))
    told = " ".join(answer.text if answer else "-" for answer in answers)
    return Done(text=f"{seen}, {len(written)} {told} {await ctx.run(finish)}")


FUNCTIONS = [run_write, run_work]
WRITES = ["wrote job/one:2 for one", "wrote job/one:9 for one"]


@pytest.fixture
async def service(start_service: StartService) -> AsyncIterator[RunningService]:
    is_broken.set()
    events.clear()
    async with start_service(FUNCTIONS) as service:
        yield service


async def ended(service: RunningService, root: str) -> Outcome:
    record = await service.client.find(root)
    assert record is not None
    return Outcome.of(await wait_for_end(service.client, record, 10))


async def fail(service: RunningService, patience: float = 30, answers: tuple[Done, ...] = (YES, NO)) -> None:
    """Run the work until it fails by its mistake, after all that it does."""
    await work.start(service.client, "job/one", Request(patience=patience))
    for answer in answers:
        # An answer that is given twice would be the same one.
        number = sum(event.startswith("answered") for event in events) + 1 + (patience < 1)
        await service.poll_until_asked(gate, "job/one", number)
        assert await gate.deliver(service.client, "job/one", answer) == (Delivery.TAKEN, answer)
        events.append("answered")
    outcome = await ended(service, "job/one")
    assert (outcome.error and outcome.error.message) == "a mistake"


async def test_what_was_done_is_found_done_and_what_was_said_holds(service: RunningService) -> None:
    await fail(service)
    is_broken.clear()
    again = await retry(service.client, "job/one")
    assert (again.record.id, again.is_new) == ("job/one+run2", True)
    assert (await ended(service, "job/one+run2")).result == {"text": "seen, 2 yes no finished"}
    assert [event for event in events if event.startswith("wrote")] == WRITES
    assert events.count("looked") == 2
    # The message that started it, delivered again, finds the newest run.
    found = await start_once(service.client, work, "job", Request(), Signed("one", b""))
    assert (found.id, found.status) == ("one", "succeeded")
    # Whoever delivers its answers again, or others, is told what holds.
    assert await gate.deliver(service.client, "job/one", NO) == (Delivery.TAKEN, NO)
    assert await gate.deliver(service.client, "job/one", YES) == (Delivery.CONFLICT, NO)


async def test_a_wait_that_expired_and_was_followed_by_another_is_not_waited_for_again(service: RunningService) -> None:
    await fail(service, patience=0.1, answers=(YES,))
    is_broken.clear()
    await retry(service.client, "job/one")
    assert (await ended(service, "job/one+run2")).result == {"text": "seen, 2 - yes finished"}


async def test_an_answer_that_comes_before_the_next_run_asks_does_not_replace_what_was_said(
    service: RunningService,
) -> None:
    await fail(service)
    is_broken.clear()
    assert isinstance(service.client.resonate, WorkerResonate)
    service.client.resonate.offers.pause(True)
    await retry(service.client, "job/one")
    assert await gate.deliver(service.client, "job/one", YES) == (Delivery.CONFLICT, NO)
    service.client.resonate.offers.pause(False)
    assert (await ended(service, "job/one+run2")).result == {"text": "seen, 2 yes no finished"}


async def test_with_from_what_was_recorded_before_a_step_is_kept(service: RunningService) -> None:
    await fail(service)
    with pytest.raises(OperatorError, match=r"job/one made no call of nothing\nIts calls: look, write, gate\.hold, "):
        await retry(service.client, "job/one", "nothing")
    is_broken.clear()
    await retry(service.client, "job/one", "finish")
    assert (await ended(service, "job/one+run2")).result == {"text": "seen, 2 yes no finished"}
    assert [event for event in events if event != "answered"] == ["looked", *WRITES]
    assert await gate.deliver(service.client, "job/one", NO) == (Delivery.TAKEN, NO)
    assert await gate.deliver(service.client, "job/one", YES) == (Delivery.CONFLICT, NO)


async def test_it_is_started_again_as_often_as_it_failed(service: RunningService) -> None:
    await fail(service)
    for number in (2, 3):
        assert (await retry(service.client, "job/one")).record.id == f"job/one+run{number}"
        assert (await ended(service, f"job/one+run{number}")).status == "failed"
    is_broken.clear()
    first, second = await asyncio.gather(retry(service.client, "job/one"), retry(service.client, "job/one"))
    assert first.record.id == second.record.id == "job/one+run4"
    assert (await ended(service, "job/one+run4")).result == {"text": "seen, 2 yes no finished"}
    assert [event for event in events if event.startswith("wrote")] == WRITES
    assert [run.state for run in await all_runs(service.client, "shop/job/one+run2")] == [*["rejected"] * 3, "resolved"]


async def test_what_runs_or_has_succeeded_is_not_started_again(service: RunningService) -> None:
    is_broken.clear()
    for root in ("job/none", "probe/1"):
        with pytest.raises(OperatorError, match=f"the engine keeps no job {root}\nName it with its kind"):
            await retry(service.client, root)
    await work.start(service.client, "job/one", Request())
    with pytest.raises(OperatorError, match="job/one is running\nOnly a job that failed"):
        await retry(service.client, "job/one")
    await service.poll_until_asked(gate, "job/one")
    with pytest.raises(OperatorError, match="permit/job/one is no job: it runs no function"):
        await retry(service.client, "permit/job/one")
    for number in (1, 2):
        await service.poll_until_asked(gate, "job/one", number)
        await gate.deliver(service.client, "job/one", YES, message=str(number))
    assert (await ended(service, "job/one")).status == "succeeded"
    with pytest.raises(OperatorError, match="job/one has succeeded"):
        await retry(service.client, "job/one")


async def test_reconcile_looks_at_each_run_and_names_a_write_once(service: RunningService, database: Database) -> None:
    await fail(service)
    is_broken.clear()
    await retry(service.client, "job/one")
    await ended(service, "job/one+run2")
    async with database.write() as session:
        await session.execute(text("DELETE FROM operations"))
    for jobs in ((), ("job/one",)):
        lines = [line async for line in reconcile_group(service.client, Worker("dev", [run_write], ()), jobs)]
        assert [line.partition(":")[0] for line in lines] == ["missing db/op/write/job/one"] * 2


def test_ids_of_runs() -> None:
    assert run_id("job/one", 1) == "job/one"
    assert run_id("job/one+run2", 3) == "job/one+run3"
    assert (run_number("job/one"), run_number("job/one+run12")) == (1, 12)
    assert first_run("job/one+run2:3.1") == "job/one:3.1"
    # Other services' roots keep what only looks like it.
    assert first_run("payments/a+runs:1") == "payments/a+runs:1"


async def test_the_commands(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def engine(*_: object) -> AsyncIterator[Any]:
        yield service.client

    monkeypatch.setattr(type(SERVICE), "engine", engine)
    monkeypatch.setenv("RESONATE_URL", "http://127.0.0.1:9")
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(asyncio, "run", lambda work: asyncio.run_coroutine_threadsafe(work, loop).result())

    async def command(line: str) -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, main, line.split())
        return done.exit_code, done.output

    assert await command("runs retry job/one") == (
        1,
        "Error: the engine keeps no job job/one\n"
        "Name it with its kind, as in job/order-4711. One that was removed is not there.\n",
    )
    await fail(service)
    status, shown = await command("runs show job/one")
    lines = shown.splitlines()
    assert (status, lines[0].split(",")[0], lines[1].split(",")[0]) == (0, "job/one: rejected", "  look: resolved")
    assert lines[0].endswith("; work-failed: a mistake")
    status, shown = await command("runs retry job/one --from look --json")
    assert (status, json.loads(shown)) == (0, {"job": "job/one", "run": "job/one+run2", "started": True})
    await ended(service, "job/one+run2")
    status, shown = await command("runs show job/one --json")
    assert [run["name"] for run in json.loads(shown)["runs"]] == ["job/one", "job/one+run2"]
