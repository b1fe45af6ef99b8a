"""`durable.job_runs`: work that failed is started again, finds what was done, and is one piece of work to everybody."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel
from resonate.context import Context
from resonate.types import TaskData
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


leaving = Rpc(name="leaving", group="dev", request=Request, result=Done, timeout=timedelta(seconds=60))


@serve(leaving)
async def run_leaving(ctx: Context, request: Request) -> Done:
    """A write that is left to itself, before two other calls."""
    await ctx.detached(write.name, request.model_dump(mode="json"))
    seen = await ctx.run(look)
    written = await write(ctx, request)
    return Done(text=f"{seen} {written.text} {await ctx.run(finish)}")


FUNCTIONS = [run_write, run_work, run_leaving]
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


async def test_what_a_run_left_to_itself_hides_no_call_behind_it(service: RunningService, database: Database) -> None:
    def wrote(times: int) -> Callable[[], Awaitable[bool]]:
        async def probe() -> bool:  # Nobody waits for what was detached.
            return sum(event.startswith("wrote") for event in events) == times

        return probe

    await leaving.start(service.client, "job/left", Request())
    assert (await ended(service, "job/left")).status == "failed"
    await service.poll_until(wrote(2))
    is_broken.clear()
    await retry(service.client, "job/left", "finish")
    assert (await ended(service, "job/left+run2")).result == {"text": "seen written finished"}
    await service.poll_until(wrote(3))  # Each run starts what it leaves to itself.
    assert events.count("looked") == 1
    async with database.write() as session:
        await session.execute(text("DELETE FROM operations"))
    lines = [line async for line in reconcile_group(service.client, Worker("dev", [run_write], ()), ["job/left"])]
    assert sorted(line.partition(":")[0] for line in lines) == ["missing db/op/write/job/left"] * 3


def test_ids_of_runs() -> None:
    assert run_id("job/one", 1) == "job/one"
    assert run_id("job/one+run2", 3) == "job/one+run3"
    assert (run_number("job/one"), run_number("job/one+run12")) == (1, 12)
    assert first_run("job/one+run2:3.1") == "job/one:3.1"
    # Other services' roots keep what only looks like it.
    assert first_run("payments/a+runs:1") == "payments/a+runs:1"


type Command = Callable[[str], Awaitable[tuple[int, str]]]


@pytest.fixture
async def command(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command of the service on the engine of the test: its exit status, and what it says."""

    @asynccontextmanager
    async def engine(*_: object) -> AsyncIterator[Any]:
        yield service.client

    monkeypatch.setattr(type(SERVICE), "engine", engine)
    monkeypatch.setattr("shop.runtime.cli_runs.POLL", 0.02)
    monkeypatch.setenv("RESONATE_URL", "http://127.0.0.1:9")
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(asyncio, "run", lambda work, **_: asyncio.run_coroutine_threadsafe(work, loop).result())

    async def command(line: str) -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, main, line.split())
        return done.exit_code, done.output

    return command


async def test_the_commands(service: RunningService, command: Command) -> None:
    assert await command("runs retry job/one") == (
        1,
        "Error: the engine keeps no job job/one\n"
        "Name it with its kind, as in job/order-4711. One that was removed is not there.\n",
    )
    await fail(service)
    status, shown = await command("runs show job/one")
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert status == 0 and re.fullmatch(r"✘ job/one work failed [0-9]+ ms began .*Z", lines[0]), lines
    assert lines[1] == "work-failed: a mistake"
    assert [re.sub("[0-9]+ ms", "N ms", line) for line in lines if line[0] in "├└"] == [
        "├─ ✔ look N ms step",
        "├─ ✔ write N ms dev",
        "├─ ✔ permit N ms gate",
        "├─ ✔ permit N ms gate",
        "├─ ✔ write N ms dev",
        "└─ ✘ finish N ms step",
    ]
    status, shown = await command("runs retry job/one --from look --json")
    assert (status, json.loads(shown)) == (0, {"job": "job/one", "run": "job/one+run2", "started": True})
    await ended(service, "job/one+run2")
    status, shown = await command("runs show job/one --json")
    found = json.loads(shown)
    assert [run["id"] for run in found["tree"]["runs"]] == ["job/one", "job/one+run2"]
    assert (found["tree"]["run"]["status"], found["questions"]) == ("failed", [])
    # Nothing here has a contract for this function.
    assert (found["tree"]["root"]["request"], found["tree"]["root"]["is_hidden"]) == (None, True)
    _, shown = await command("runs show job/one --values --json")
    assert json.loads(shown)["tree"]["root"]["request"] == {"amount": 1, "patience": 30.0}
    assert (await command("runs show job/none"))[1].startswith("Error: the engine keeps no run job/none\n")


async def test_the_list_and_the_watch(service: RunningService, command: Command) -> None:
    await fail(service)
    assert [json.loads((await command("runs list --json"))[1])["runs"][0][name] for name in ("id", "status")] == [
        "job/one",
        "failed",
    ]
    assert await command("runs list --status running") == (0, "there are no such runs\n")
    assert (await command("runs list --since P1D --kind job"))[1].startswith("✘ job/one  work  failed ")
    assert await command("runs list --since PT0S") == (0, "there are no such runs\n")
    for wrong in ("--since yesterday", "--cursor abc", "--limit 0", "--status lost"):
        assert (await command(f"runs list {wrong}"))[0] == 2
    status, shown = await command("runs watch job/one")
    assert (status, shown.splitlines()[-1]) == (1, "work-failed: a mistake")
    is_broken.clear()
    await command("runs retry job/one")
    status, shown = await command("runs watch job/one+run2")
    assert (status, shown.splitlines()[-1].split()[:3]) == (0, ["job/one+run2", "work", "succeeded"])
    await service.client.start(TaskData(func="none"), "dev", "job/two", timedelta(seconds=60))
    page = json.loads((await command("runs list --limit 1 --json"))[1])
    assert [run["id"] for run in page["runs"]] == ["job/two"]
    page = json.loads((await command(f"runs list --limit 1 --json --cursor {page['next_cursor']}"))[1])
    assert [run["id"] for run in page["runs"]] == ["job/one+run2"]


async def test_an_answer_by_command(service: RunningService, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(SERVICE), "gates", lambda _: {"permit": gate})
    await work.start(service.client, "job/one", Request())
    await service.poll_until_asked(gate, "job/one")
    shown = json.loads((await command("runs show job/one --json"))[1])
    assert [question["id"] for question in shown["questions"]] == ["permit/job/one"]
    assert shown["questions"][0]["payload_schema"]["properties"].keys() == {"text"}
    assert await command("answer permit job/none {}") == (1, "the engine keeps no work job/none\n")
    assert (await command("answer none job/one {}"))[1] == "Error: there is no gate 'none'\nGates: permit\n"
    status, told = await command('answer permit job/one {"text":1}')
    assert status == 2 and "no answer of gate permit: text: Input should be a valid string" in told
    assert (await command("answer permit job/one {"))[0] == 2
    for _ in range(2):
        assert await command('answer permit job/one {"text":"yes"}') == (0, "job/one has its answer at gate permit\n")
        await service.poll_until_asked(gate, "job/one", 2)
    is_broken.clear()
    assert (await ended(service, "job/one")).status == "succeeded"
    status, told = await command('answer permit job/one {"text":"no"} --json')
    assert (status, json.loads(told)) == (1, {"delivery": "conflict", "holds": {"text": "yes"}})
