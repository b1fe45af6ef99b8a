"""`engine.sdk_events`: what the SDK cannot do is said with its promise, and what is no fault is not said."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.connections.local import ServerState
from resonate.context import Context
from resonate.error import PlatformError, ServerError, StoppedError
from resonate.observability import BackgroundTaskFailed
from resonate.send import Sender
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.sdk_events import HandedBack, is_fault, observe
from shop.runtime.engine.worker import stop
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings

from .lives import Life
from .waiting import until

pytestmark = pytest.mark.usefixtures("no_settings")


class Nothing(BaseModel):
    """A request or a result without content."""


nothing = Rpc(name="nothing", group="workers", request=Nothing, result=Nothing)
other = Rpc(name="other", group="db", request=Nothing, result=Nothing)


@pytest.fixture
async def client(definition: Service, caplog: pytest.LogCaptureFixture) -> AsyncIterator[EngineClient]:
    """A client of an engine in this process, on which nobody serves anything."""
    caplog.set_level(logging.DEBUG, "shop.runtime.engine.sdk_events")
    settings = make_settings(definition)
    local = LocalConnection(group="tests")
    client = build(settings, definition.namespace(settings), "workers", listens=False, local=local)
    client.resonate.start()
    yield client
    await stop(client, timedelta(seconds=1))


def take(client: EngineClient, promise: str) -> None:
    """Take a task, as if the engine had offered it."""
    client.resonate._spawn(client.resonate._bounded_execute(client.resonate._core.on_message(promise, 0)))


async def test_a_task_that_another_worker_has_is_no_error(
    client: EngineClient, caplog: pytest.LogCaptureFixture
) -> None:
    await client.start(nothing.task(Nothing()), "workers", "job/1", timedelta(minutes=1))
    sender = client.resonate._core.sender
    await sender.task_acquire("shop/job/1", 0, "another", 60_000)
    take(client, "shop/job/1")
    await until(lambda: caplog.records)
    (record,) = caplog.records
    assert record.levelno == logging.DEBUG
    assert record.getMessage().endswith("another worker has it, or it has ended: shop/job/1")


async def test_a_task_that_cannot_be_taken_is_named(
    client: EngineClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise ServerError(500, "the disk is full")

    monkeypatch.setattr(Sender, "_send_envelope", refuse)
    take(client, "shop/job/1")
    await until(lambda: caplog.records)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "the disk is full: shop/job/1" in record.getMessage()


@pytest.mark.parametrize(
    "lost_by", ["task.suspend", "task.fulfill", "task.fence promise.create", "task.fence promise.settle"]
)
async def test_a_lease_that_is_lost_is_one_quiet_line(
    definition: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, lost_by: str
) -> None:
    """Whichever request the engine refuses, and its release after it: another worker goes on."""

    async def step(ctx: Context) -> int:
        return 1

    @serve(nothing)
    async def run(ctx: Context, request: Nothing) -> Nothing:
        if lost_by == "task.fulfill":
            return request
        await ctx.run(step)
        return await other(ctx, request)

    @serve(other)
    async def answer(ctx: Context, request: Nothing) -> Nothing:
        return request

    life = Life(definition, ServerState(), run, answer)
    send = Sender._send_envelope

    async def refuse_from_there_on(self: Sender, kind: str, data: Any, **options: Any) -> Any:
        """Answer as an engine does when the lease has passed on."""
        inner = getattr(data.get("action"), "kind", "") if isinstance(data, dict) else ""
        if kind == "task.release" or lost_by in (kind, f"{kind} {inner}"):
            raise ServerError(409, "Task is not acquired")
        return await send(self, kind, data, **options)

    monkeypatch.setattr(Sender, "_send_envelope", refuse_from_there_on)
    caplog.set_level(logging.INFO)
    await nothing.start(life.client, "job/1", Nothing())
    await until(lambda: any("lease" in record.getMessage() for record in caplog.records))
    await stop(life.client, timedelta(seconds=1))
    # The run's own line, and what the SDK says of each call, are no reports of a lost lease.
    told = [record for record in caplog.records if record.name in ("shop.runtime.engine.sdk_events", "resonate.core")]
    message = "its lease has passed on, so another worker goes on with it: shop/job/1"
    assert [(record.levelno, record.getMessage()) for record in told] == [(logging.INFO, message)]
    assert not any(record.exc_info for record in caplog.records)


def test_a_run_that_goes_on_elsewhere_is_no_fault() -> None:
    def logged(error: BaseException) -> logging.LogRecord:
        return logging.LogRecord("resonate.core", logging.ERROR, "", 0, "releasing", None, (type(error), error, None))

    lost = ServerError(409, "its lease has passed on")
    goes_on = [PlatformError([HandedBack("the database is away")]), lost, PlatformError([lost, StoppedError()])]
    faults = [PlatformError([StoppedError(), ServerError(500, "")]), ServerError(404, ""), ValueError()]
    assert [is_fault(logged(error)) for error in (*goes_on, *faults)] == [False] * 3 + [True] * 3


def test_what_was_handed_back_is_no_work_that_was_not_done(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    observe(BackgroundTaskFailed(cause=str(HandedBack("the database is away"))))
    assert caplog.records == []
    observe(BackgroundTaskFailed(cause="something else"))
    assert len(caplog.records) == 1
