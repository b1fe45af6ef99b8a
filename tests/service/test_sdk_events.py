"""`engine.sdk_events`: what the SDK cannot do is said with its promise, and what is no fault is not said."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.error import PlatformError, ServerError
from resonate.observability import BackgroundTaskFailed
from shop.runtime.durable.rpc import Rpc
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.sdk_events import HandedBack, is_fault, observe
from shop.runtime.engine.worker import stop
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings

from .waiting import until

pytestmark = pytest.mark.usefixtures("no_settings")


class Nothing(BaseModel):
    """A request or a result without content."""


nothing = Rpc(name="nothing", group="workers", request=Nothing, result=Nothing)


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

    monkeypatch.setattr(client.resonate._core.sender, "_send_envelope", refuse)
    take(client, "shop/job/1")
    await until(lambda: caplog.records)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "the disk is full: shop/job/1" in record.getMessage()


def test_a_run_that_is_handed_back_is_no_fault() -> None:
    def logged(error: BaseException) -> logging.LogRecord:
        return logging.LogRecord("resonate.core", logging.ERROR, "", 0, "releasing", None, (type(error), error, None))

    assert not is_fault(logged(PlatformError([HandedBack("the database is away")])))
    assert is_fault(logged(PlatformError([ServerError(409, "its lease has passed on")])))
    assert is_fault(logged(ValueError()))


def test_what_was_handed_back_is_no_work_that_was_not_done(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    observe(BackgroundTaskFailed(cause=str(HandedBack("the database is away"))))
    assert caplog.records == []
    observe(BackgroundTaskFailed(cause="something else"))
    assert len(caplog.records) == 1
