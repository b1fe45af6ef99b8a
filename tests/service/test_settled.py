"""`engine.settled`: what has settled is asked for once, and a stale worker is stopped all the same."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from resonate.context import Context
from resonate.send import Sender
from resonate.types import PromiseRecord, Value
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine import settled
from shop.runtime.engine.client import build
from shop.runtime.engine.offers import WorkerResonate
from shop.runtime.engine.settled import SettledRecords
from shop.runtime.engine.task_sender import TaskSender
from shop.runtime.engine.watch import find_task
from shop.runtime.engine.worker import register, stop
from shop.runtime.http.work import wait_for_end
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import StartService

from .counting import counting
from .topology import Topology
from .waiting import until

pytestmark = pytest.mark.usefixtures("no_settings")


class Number(BaseModel):
    """A request and a result."""

    number: int = 0


total = Rpc(name="total", group="workers", request=Number, result=Number)
double = Rpc(name="double", group="db", request=Number, result=Number)


@serve(double)
async def run_double(ctx: Context, request: Number) -> Number:
    return Number(number=2 * request.number)


async def test_a_call_costs_the_same_however_many_came_before(start_service: StartService) -> None:
    """A run begins again for each call that has ended, and makes all calls before it again."""

    @serve(total)
    async def run_total(ctx: Context, request: Number) -> Number:
        calls = [await double(ctx, Number(number=number)) for number in range(request.number)]
        return Number(number=sum(call.number for call in calls))

    async with start_service([run_total, run_double]) as service:
        for count in (5, 40):
            with counting(service.client) as asked:
                assert (await service.run(total, f"job/{count}", Number(number=count))).number == count * (count - 1)
            # It is made, and found again when it has ended.
            assert asked["task.fence"] == 2 * count
        sender = service.client.resonate._core.sender
        assert isinstance(sender, TaskSender) and not sender.settled._runs


async def test_a_value_that_a_workflow_changes_is_as_it_was(start_service: StartService) -> None:
    seen = list[Any]()

    @serve(total)
    async def run_total(ctx: Context, request: Number) -> Number:
        first = await ctx.options(target="shop.db").rpc("double", {"number": 4})
        seen.append(dict(first))
        first["number"] = 0
        await double(ctx, Number(number=1))
        await double(ctx, Number(number=2))
        return Number()

    async with start_service([run_total, run_double]) as service:
        await service.run(total, "job/1", Number())
    assert seen == [{"number": 8}] * 3


async def test_a_stale_worker_is_stopped_at_its_next_request(topology: Topology, definition: Service) -> None:
    """Its lease passes to another while it goes through what it knows: it learns and records nothing more."""
    begun, went_on, steps = 0, list[int](), list[int]()
    stolen: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    stale = Rpc(name="stale", group="stale.workers", request=Number, result=Number)
    called = Rpc(name="called", group="stale.workers", request=Number, result=Number)

    @serve(stale)
    async def run(ctx: Context, request: Number) -> Number:
        nonlocal begun
        begun += 1
        mine, before = begun, asked["task.fence"]
        await called(ctx, Number(number=1))
        if mine == 3:
            assert asked["task.fence"] == before  # It was answered from what this process knows.
            version = (await find_task(client, ctx.info.id)).version  # type: ignore[union-attr]
            await another.task_release(ctx.info.id, version)
            version = (await find_task(client, ctx.info.id)).version  # type: ignore[union-attr]
            stolen.set_result((await another.task_acquire(ctx.info.id, version, "another", 60_000)).task.version)
        await called(ctx, Number(number=2))
        went_on.append(mine)
        await ctx.run(step, mine)
        return Number(number=mine)

    @serve(called)
    async def run_called(ctx: Context, request: Number) -> Number:
        return request

    async def step(ctx: Context, mine: int) -> None:
        steps.append(mine)

    settings = make_settings(definition, resonate_url=topology.engine_url)
    client = build(settings, definition.namespace(settings), stale.group, listens=True)
    register(client, [run, run_called], [])
    client.resonate.start()
    worker = client.resonate
    assert isinstance(worker, WorkerResonate)
    another = Sender(worker._transport, None)
    try:
        with counting(client) as asked:
            job = await stale.start(client, f"stale/{uuid.uuid4()}", Number())
            version = await asyncio.wait_for(stolen, 10)
            await until(lambda: worker.places._in_use == 0)
            assert went_on == []
            await another.task_release(client.namespace.engine_id(job.id), version)
            job = await wait_for_end(client, job, 10)
    finally:
        await stop(client, timedelta(seconds=1))
    assert (job.state, went_on, steps) == ("resolved", [4], [4])


def record(promise: str, state: Any = "resolved", value: str = "", created_at: int = 1) -> PromiseRecord:
    """A record as the engine sends it."""
    return PromiseRecord(id=promise, state=state, value=Value(data=value), timeout_at=9, created_at=created_at)


@pytest.fixture
def records() -> SettledRecords:
    """Those of a run that was taken at version 1: one of its calls has settled."""
    records = SettledRecords()
    records.begin(record("a", "pending"), 1)
    records.keep("a", record("a:1"))
    records.keep("a", record("a:2", "pending"))
    return records


def test_only_what_has_settled_is_kept(records: SettledRecords) -> None:
    assert (records.find("a", "a:1"), records.find("a", "a:2")) == (record("a:1"), None)
    records.begin(record("a", "pending"), 2)
    assert records.find("a", "a:1")
    records.forget("a")
    records.keep("a", record("a:1"))  # A request of the run was under way when it ended.
    assert records.find("a", "a:1") is None


@pytest.mark.parametrize(("created_at", "version"), [(1, 1), (2, 2)])
def test_a_run_of_a_restored_engine_is_another(records: SettledRecords, created_at: int, version: int) -> None:
    """Its version does not grow; or it was made again under its id."""
    records.begin(record("a", "pending", created_at=created_at), version)
    assert records.find("a", "a:1") is None


def test_it_is_bounded(records: SettledRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled, "MOST_BYTES", 3 * settled._OVERHEAD)
    records.begin(record("b", "pending"), 1)
    for number in range(2):
        records.keep("b", record(f"b:{number}"))
    assert records.find("a", "a:1")
    assert records.find("b", "b:1")
    records.keep("b", record("b:2", value="x" * 10))
    assert records.find("a", "a:1") is None
    assert records.find("b", "b:1") is None  # Three with a value are too many as well.
    records.keep("b", record("b:2"))
    records.keep("b", record("b:3", value="x" * 4 * settled._OVERHEAD))
    assert records.find("b", "b:2") is None and records._size == 0
