"""`engine.watch`: work that nobody takes is told by a warning, a metric and the job's own answer; so is a time-out."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from resonate.context import Context
from resonate.error import ServerError
from shop.runtime.durable.clock import Clock
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.rpc import Registration, Rpc, serve
from shop.runtime.engine import watch
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.watch import Task, Untaken, find_task, find_untaken, watch_work
from shop.runtime.engine.worker import register, stop
from shop.runtime.service import Service, functions_of
from shop.runtime.settings import ServiceSettings
from shop.runtime.telemetry import outstanding
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import free_port

from . import orders as order_routes
from .telemetry import Log, counted

pytestmark = pytest.mark.usefixtures("no_settings", "impatient")


class Bill(BaseModel):
    steps: int = 0


charge = Rpc("pay.charge", "payments.workers", Bill, Bill)
middle = Rpc("middle", "workers", Bill, Bill)
outer = Rpc("outer", "workers", Bill, Bill)
asking = Rpc("asking", "workers", Bill, Bill)
sleepy = Rpc("sleepy", "workers", Bill, Bill, timedelta(seconds=1))
ask = Gate("ask", Bill)


async def step(ctx: Context) -> None:
    return None


@serve(middle)
async def call_payments(ctx: Context, bill: Bill) -> Bill:
    for _ in range(bill.steps):
        await ctx.run(step)
    return await charge(ctx, bill)


@serve(outer)
async def call_middle(ctx: Context, bill: Bill) -> Bill:
    return await middle(ctx, bill)


@serve(asking)
async def ask_first(ctx: Context, bill: Bill) -> Bill:
    await ask.wait(ctx, timedelta(minutes=1))
    return bill


@serve(sleepy)
async def sleep_long(ctx: Context, bill: Bill) -> Bill:
    return await charge(ctx, bill)


@serve(charge)
async def charge_at_once(ctx: Context, bill: Bill) -> Bill:
    return bill


WORKFLOWS = [call_payments, call_middle, ask_first, sleep_long]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, seconds in (("LOOK", 0.05), ("PATIENCE", 0.3), ("YOUNG", 0.0)):
        monkeypatch.setattr(watch, name, seconds)
    monkeypatch.setattr("shop.runtime.http.work.YOUNG", 0.0)
    outstanding.forget()
    yield
    outstanding.forget()


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    """The URL of a development engine, a process of its own."""
    command = shutil.which("resonate-scaffold")
    if command is None:
        pytest.skip("needs `resonate-scaffold engine` on PATH: pip install resonate-scaffold")
    port = str(free_port())
    process = subprocess.Popen([command, "engine", "--port", port], stdout=subprocess.PIPE, env=os.environ)
    assert process.stdout and process.stdout.readline()
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


type Connect = Callable[[str, Sequence[Registration]], Awaitable[EngineClient]]


@pytest.fixture
async def connect(definition: Service, engine: str) -> AsyncIterator[Connect]:
    """Connects a worker of a group; one that serves nothing only sends."""
    async with AsyncExitStack() as stack:

        async def connect(group: str, served: Sequence[Registration]) -> EngineClient:
            settings = make_settings(definition, resonate_url=engine, namespace="")
            client = build(settings, definition.namespace(settings), group, listens=bool(served))
            register(client, functions_of(served), [settings, Clock()])
            client.resonate.start()
            stack.push_async_callback(stop, client, timedelta(seconds=1))
            return client

        yield connect


async def until[T](probe: Callable[[], Awaitable[T | None]]) -> T:
    async with asyncio.timeout(20):
        while not (found := await probe()):  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.05)
        return found


@asynccontextmanager
async def watched(client: EngineClient) -> AsyncIterator[None]:
    watching = asyncio.create_task(watch_work(client))
    try:
        yield
    finally:
        watching.cancel()


async def untaken(client: EngineClient, promise_id: str) -> Untaken | None:
    record = await client.find(promise_id)
    assert record is not None
    return await find_untaken(client, record)


async def test_a_call_that_nobody_takes_is_found_warned_of_and_measured(connect: Connect, log: Log) -> None:
    client = await connect("workers", WORKFLOWS)

    def waited() -> float:
        return counted("group_untaken_seconds", group="payments.workers")

    async with watched(client):
        await outer.start(client, "job/deep", Bill(steps=21))
        expected = Untaken("job/deep:1.22", "pay.charge", "payments.workers")

        async def found() -> bool:
            return await untaken(client, "job/deep") == expected

        await until(found)

        async def warned() -> list[dict[str, Any]]:
            return log.lines(level="WARNING", job="job/deep")

        (line, *_) = await until(warned)
        assert line["message"].startswith(
            "nobody takes the work of group payments.workers: pay.charge has waited for 0 "
        )
        assert waited() > 0
        await asyncio.sleep(0.5)
        assert len(await warned()) == 1, "once a minute"

        await connect("payments.workers", [charge_at_once])

        async def ended() -> bool:
            record = await client.find("job/deep")
            return record is not None and record.state == "resolved" and waited() == 0

        await until(ended)
    assert await untaken(client, "job/deep") is None


async def test_work_that_waits_for_an_answer_or_is_being_done_is_no_such_work(connect: Connect, log: Log) -> None:
    client = await connect("workers", WORKFLOWS)
    async with watched(client):
        await asking.start(client, "job/asks", Bill())
        await until(lambda: client.find("ask/job/asks"))
        await asyncio.sleep(0.5)
        assert await untaken(client, "job/asks") is None
    assert [line for line in log.lines(level="WARNING") if line["logger"].startswith("shop.")] == []


async def test_a_run_that_times_out_is_logged(connect: Connect, log: Log) -> None:
    client = await connect("workers", WORKFLOWS)
    async with watched(client):
        await sleepy.start(client, "job/late", Bill())

        async def told() -> list[dict[str, Any]]:
            return log.lines(message="sleepy timed out")

        (line,) = await until(told)
        assert (line["level"], line["job"], line["function"]) == ("WARNING", "job/late", "sleepy")
        await asyncio.sleep(0.3)
        assert len(await told()) == 1
    assert not outstanding.deadlines


async def test_a_run_that_ends_in_time_is_not_kept(connect: Connect) -> None:
    client = await connect("workers", [*WORKFLOWS])
    await connect("payments.workers", [charge_at_once])
    await outer.start(client, "job/quick", Bill())

    async def ended() -> bool:
        record = await client.find("job/quick")
        return record is not None and record.state == "resolved"

    await until(ended)
    await until(lambda: _true(not outstanding.deadlines))


async def _true(value: bool) -> bool:
    return value


async def test_a_job_says_what_it_waits_for(definition: Service, engine: str) -> None:
    settings: ServiceSettings = make_settings(definition, resonate_url=engine)
    app = definition.api(settings)
    order_routes.include(app)
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://t") as http:
        path = "/customers/c-1/orders"
        first = await http.post(f"{path}?number=1", headers={"Idempotency-Key": "stands"})
        assert first.status_code == 202
        polled = await http.get(f"{path}/stands", headers={"Prefer": "wait=0"})
        assert polled.json() == {
            "id": "stands",
            "status": "running",
            "result": None,
            "error": None,
            "waiting_for": {"function": "order", "group": "tests"},
        }
        schema = app.openapi()["components"]["schemas"]["WaitingFor"]
        assert schema["required"] == ["function", "group"]
        await app.state.client.resolve("order/stands", {"text": "done"})
        assert "waiting_for" not in (await http.get(f"{path}/stands")).json()


async def test_an_engine_that_does_not_tell_is_let_be(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    client = await connect("api", [])

    async def refuse(client: EngineClient, engine_id: str) -> Task | None:
        raise ServerError(501, "not here")

    monkeypatch.setattr(watch, "find_task", refuse)
    await outer.start(client, "job/silent", Bill())
    async with asyncio.timeout(5):
        await watch_work(client)
    (line,) = log.lines(level="WARNING")
    assert line["message"].startswith("work that nobody takes goes unnoticed: the engine refuses to tell of it: ")


async def test_a_task_is_what_the_engine_says(connect: Connect) -> None:
    client = await connect("api", [])
    await outer.start(client, "job/task", Bill())
    assert await find_task(client, "job/task") == Task("pending", 0)
    assert await find_task(client, "job/no-such-task") is None
    await client.resolve("job/task", {"steps": 1})
    ended = await find_task(client, "job/task")
    assert ended is not None and ended.state == "fulfilled"


def test_what_is_noted_is_bounded() -> None:
    for number in range(100):
        outstanding.note_call("g", f"job/{number}", "f")
    assert list(outstanding.calls["g"]) == [f"job/{number}" for number in range(5)]
    for number in range(10_050):
        outstanding.note_deadline(f"job/{number}", "f", 1)
    assert len(outstanding.deadlines) == 10_000 and "job/49" not in outstanding.deadlines
