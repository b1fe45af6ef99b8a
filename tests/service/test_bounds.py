"""`durable.bounds`: a call may wait as long as its job lives, and its run is bounded where it runs."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta

import pytest
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.durable import bounds
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.rpc import Registration, Rpc, serve
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.worker import register, stop
from shop.runtime.errors import Failure
from shop.runtime.http.work import WorkError, wait_for_end
from shop.runtime.service import Service, functions_of
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import StartService

from .engines import engine_process
from .telemetry import Log, counted
from .waiting import until


class Text(BaseModel):
    """A request and a result."""

    text: str = ""


QUICK = timedelta(seconds=0.3)

job = Rpc(name="job", group="workers", request=Text, result=Text)
part = Rpc(name="part", group="workers", request=Text, result=Text, timeout=QUICK)
leaf = Rpc(name="leaf", group="db", request=Text, result=Text, timeout=QUICK)
nowhere = Rpc(
    name="nowhere", group="payments.workers", request=Text, result=Text, timeout=QUICK, wait=timedelta(seconds=0.2)
)
endless = Rpc(name="endless", group="db", request=Text, result=Text, timeout=timedelta(hours=1))
whole = Rpc(name="whole", group="workers", request=Text, result=Text)
patient = Rpc(name="leaf", group="db", request=Text, result=Text, timeout=QUICK, wait=timedelta(minutes=3))


@serve(job)
async def call_leaf(ctx: Context, request: Text) -> Text:
    """Call what its request names; say how that failed."""
    contract = {"leaf": leaf, "patient": patient, "part": part, "nowhere": nowhere}[request.text]
    try:
        return await contract(ctx, Text())
    except Failure as error:
        return Text(text=f"{error.code}: {error}")


@serve(leaf)
async def answer(ctx: Context, request: Text) -> Text:
    """Answer at once."""
    return Text(text="answered")


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    """The URL of a development engine, a process of its own."""
    with engine_process() as url:
        yield url


type Connect = Callable[[str, Sequence[Registration]], Awaitable[EngineClient]]


@pytest.fixture
async def connect(definition: Service, engine: str) -> AsyncIterator[Connect]:
    """Connects a worker of a group."""
    async with AsyncExitStack() as stack:

        async def connect(group: str, served: Sequence[Registration]) -> EngineClient:
            settings = make_settings(definition, resonate_url=engine, namespace="bounds")
            client = build(settings, definition.namespace(settings), group, listens=bool(served))
            register(client, functions_of(served), [settings])
            client.resonate.start()
            stack.push_async_callback(stop, client, timedelta(seconds=1))
            return client

        yield connect


async def test_a_call_waits_for_its_group_longer_than_a_run_may_take(connect: Connect) -> None:
    """A group that is away fails no job."""
    workers = await connect("workers", [call_leaf])
    record = await job.start(workers, "job/waits", Text(text="leaf"))
    await until(lambda: workers.find("job/waits:1"))
    await asyncio.sleep(4 * QUICK.total_seconds())
    await connect("db", [answer])
    ended = await wait_for_end(workers, record, 30)
    assert (ended.state, ended.value.data) == ("resolved", {"text": "answered"})


async def test_a_call_that_nobody_takes_in_time_says_so(connect: Connect) -> None:
    """The SDK says "unknown error: null"."""
    workers = await connect("workers", [call_leaf])
    record = await job.start(workers, "job/nowhere", Text(text="nowhere"))
    ended = await wait_for_end(workers, record, 30)
    assert ended.value.data == {"text": "timed-out: nowhere was canceled or not answered within 0:00:00.500000"}


@pytest.mark.parametrize("name", ["leaf", "patient"])
async def test_a_call_lives_as_long_as_its_job_or_as_its_contract_lets_it_wait(
    start_service: StartService, name: str
) -> None:
    async with start_service([call_leaf, answer]) as service:
        await service.run(job, "job/1", Text(text=name))
        root, call = await service.client.find("job/1"), await service.client.find("job/1:1")
    assert root and call
    if name == "leaf":
        assert call.timeout_at == root.timeout_at
    else:
        assert abs(call.timeout_at - call.created_at - 180_300) < 1000


async def test_a_run_that_takes_too_long_is_canceled(start_service: StartService, log: Log) -> None:
    canceled = asyncio.Event()

    @serve(leaf, retries=3)
    async def hang(ctx: Context, request: Text) -> Text:
        try:
            await asyncio.sleep(60)
        finally:
            canceled.set()
        return request

    async with start_service([call_leaf, hang]) as service:
        result = await service.run(job, "job/1", Text(text="leaf"))
    assert result.text == "timed-out: leaf did not end within 0:00:00.300000 of its start"
    assert canceled.is_set()
    (line,) = log.lines(function="leaf", promise="shop/job/1:1", outcome="failed")
    assert "timed-out" in line["message"]


async def test_no_try_begins_after_the_end_of_a_run(start_service: StartService) -> None:
    tries = []

    @serve(leaf, retries=5)
    async def fail(ctx: Context, request: Text) -> Text:
        tries.append(1)
        raise ConnectionError("away")

    async with start_service([call_leaf, fail]) as service:
        result = await service.run(job, "job/1", Text(text="leaf"))
    assert result.text.startswith("timed-out: leaf did not end within") and len(tries) == 1


async def test_an_own_timeout_error_is_no_end_of_a_run(start_service: StartService) -> None:
    @serve(leaf)
    async def time_out(ctx: Context, request: Text) -> Text:
        raise TimeoutError("of its own")

    async with start_service([call_leaf, time_out]) as service:
        result = await service.run(job, "job/1", Text(text="leaf"))
    assert result.text.startswith("internal-error: ")


async def test_a_workflow_that_is_called_is_bounded_from_its_first_call(start_service: StartService) -> None:
    """It runs again at each wake: the bound of its call is not a new one each time, and wakes it up."""

    @serve(part)
    async def call_two(ctx: Context, request: Text) -> Text:
        await ctx.run(note)
        await leaf(ctx, Text())
        return await endless(ctx, Text())

    @serve(endless)
    async def hang(ctx: Context, request: Text) -> Text:
        await asyncio.sleep(60)
        return request

    async def note(ctx: Context) -> None:
        return None

    async with start_service([call_leaf, call_two, hang, answer], shutdown_grace=0) as service:
        result = await service.run(job, "job/1", Text(text="part"))
        first, last = await service.client.find("job/1:1.1"), await service.client.find("job/1:1.3")
    assert result.text.startswith("timed-out: part did not end within")
    assert first and last and last.timeout_at == first.created_at + 300


async def test_a_job_is_bounded_by_its_own_deadline_alone(start_service: StartService) -> None:
    """It may be started with a longer one than its contract's."""

    @serve(part)
    async def take_time(ctx: Context, request: Text) -> Text:
        await asyncio.sleep(3 * QUICK.total_seconds())
        return Text(text="done")

    async with start_service([take_time]) as service:
        record = await part.start(service.client, "part/1", Text(), timeout=timedelta(minutes=1))
        assert (await wait_for_end(service.client, record, 10)).state == "resolved"


async def test_a_run_ends_after_its_job_has_timed_out(
    start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What hangs keeps no place for ever."""
    monkeypatch.setattr(bounds, "SLACK", 0.1)
    canceled = asyncio.Event()

    @serve(part)
    async def hang(ctx: Context, request: Text) -> Text:
        steps = [ctx.run(hang_too), ctx.run(hang_too)]
        await steps[0]
        return request

    async def hang_too(ctx: Context) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            canceled.set()

    async with start_service([hang]) as service:
        record = await part.start(service.client, "part/1", Text())
        assert (await wait_for_end(service.client, record, 10)).state == "rejected_timedout"
        await until(canceled.is_set)
        await until(lambda: not service.client.resonate._runtime.bg_tasks)


async def test_a_step_ends_at_its_own_timeout(start_service: StartService) -> None:
    async def hang(ctx: Context) -> None:
        await asyncio.sleep(60)

    @serve(job)
    async def work(ctx: Context, request: Text) -> Text:
        await ctx.options(timeout=QUICK).run(hang)
        return request

    async with start_service([work]) as service:
        outcome = await service.outcome(job, "job/1", Text())
    assert outcome.error == WorkError(code="timed-out", message="hang did not end in time")


async def test_a_thread_that_outlives_its_call_is_counted(start_service: StartService, log: Log) -> None:
    go_on = threading.Event()

    def block(ctx: Context) -> None:
        go_on.wait(20)

    @serve(job)
    async def work(ctx: Context, request: Text) -> Text:
        await ctx.options(timeout=QUICK).run(block)
        return request

    async with start_service([work]) as service:
        outcome = await service.outcome(job, "job/1", Text())
        assert outcome.error and outcome.error.code == "timed-out"
        assert counted("abandoned_threads") == 1
        go_on.set()
        await until(lambda: counted("abandoned_threads") == 0)
    (line,) = log.lines(level="WARNING", logger="shop.runtime.durable.steps")
    assert line["message"].startswith("block goes on in its thread, which nothing can stop")


asked = Gate("asked", Text)


@pytest.mark.parametrize("kind", ["sleep", "gate"])
@pytest.mark.parametrize("contract", [job, part])
async def test_a_wait_that_would_end_after_its_run_is_an_error_at_once(
    start_service: StartService, kind: str, contract: Rpc[Text, Text]
) -> None:
    """The SDK cuts it to the deadline, and the engine then ends the job: without a word."""
    went_on = []

    async def wait(ctx: Context) -> None:
        long = timedelta(hours=1)
        await (ctx.sleep(long) if kind == "sleep" else asked.wait(ctx, long))

    @serve(contract)
    async def work(ctx: Context, request: Text) -> Text:
        try:
            await wait(ctx)
        except Failure as error:
            went_on.append(error.code)
            raise
        return request

    @serve(whole)
    async def call(ctx: Context, request: Text) -> Text:
        return await contract(ctx, request)

    async with start_service([work, call]) as service:
        outcome = await service.outcome(contract if contract is job else whole, "job/1", Text())
    what = "a sleep of 1:00:00" if kind == "sleep" else "a wait of 1:00:00 at gate asked"
    message = f"{what} in {contract.name} would end after the deadline of its run: wait for less, or give it longer"
    assert outcome.error == WorkError(code="wait-past-deadline", message=message)
    assert went_on == ["wait-past-deadline"]


async def test_a_workflow_may_do_without_such_a_wait(start_service: StartService) -> None:
    @serve(job)
    async def work(ctx: Context, request: Text) -> Text:
        for wait in (lambda: ctx.sleep(timedelta(hours=1)), lambda: asked.wait(ctx, timedelta(hours=1))):
            with suppress(Failure):
                await wait()
        await ctx.sleep(timedelta(seconds=0.1))
        return Text(text="done")

    async with start_service([work]) as service:
        assert (await service.run(job, "job/1", Text())).text == "done"


def test_a_bound_is_more_than_nothing() -> None:
    with pytest.raises(ValueError, match="timeout of leaf must be more than nothing"):
        Rpc(name="leaf", group="db", request=Text, result=Text, timeout=timedelta(0))
    with pytest.raises(ValueError, match="wait of leaf must be more than nothing"):
        Rpc(name="leaf", group="db", request=Text, result=Text, wait=timedelta(seconds=-1))
