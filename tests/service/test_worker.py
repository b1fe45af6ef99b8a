"""`engine.worker`: a worker serves until it is told to stop, and finishes what runs."""

import asyncio
import logging
import os
import signal
from datetime import timedelta

import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from resonate.error import ConnectorError
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.namespace import Namespace
from shop.runtime.engine.worker import register, serve_group, stop
from shop.runtime.errors import PortTaken
from shop.runtime.service import Service, functions_of
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import free_port

from .waiting import until

pytestmark = pytest.mark.usefixtures("no_settings")


class Nothing(BaseModel):
    """A request or a result without content."""


slow = Rpc(name="slow", group="workers", request=Nothing, result=Nothing)


class ClosingConnection(LocalConnection):
    """Refuses what comes after its stop, as a connection to a server does."""

    stopped = False

    async def stop(self) -> None:
        self.stopped = True
        await super().stop()

    async def send(self, req: str, headers: dict[str, str] | None = None) -> str:
        if self.stopped:
            raise ConnectorError(RuntimeError("stopped"))
        return await super().send(req, headers)


@pytest.fixture
def local() -> ClosingConnection:
    return ClosingConnection(group="tests")


@pytest.fixture
def client(definition: Service, local: ClosingConnection) -> EngineClient:
    settings = make_settings(definition)
    return build(settings, definition.namespace(settings), "workers", listens=True, local=local)


async def test_what_runs_is_finished_and_kept_before_a_stop(client: EngineClient, local: ClosingConnection) -> None:
    started = asyncio.Event()

    @serve(slow)
    async def take_time(ctx: Context, request: Nothing) -> Nothing:
        started.set()
        await asyncio.sleep(0.2)
        return request

    register(client, [take_time], [])
    client.resonate.start()
    await slow.start(client, "s/1", Nothing())
    await started.wait()
    await stop(client, timedelta(seconds=5))
    assert local.state.promises["shop/s/1"].state == "resolved"


async def test_what_does_not_end_in_time_is_left_to_another_worker(
    client: EngineClient, local: ClosingConnection
) -> None:
    started, ended = asyncio.Event(), False

    @serve(slow)
    async def never_end(ctx: Context, request: Nothing) -> Nothing:
        nonlocal ended
        started.set()
        await asyncio.sleep(60)
        ended = True
        return request

    register(client, [never_end], [])
    client.resonate.start()
    await slow.start(client, "s/1", Nothing())
    await started.wait()
    async with asyncio.timeout(5):
        await stop(client, timedelta(seconds=0.1))
    assert local.stopped and not ended
    assert local.state.promises["shop/s/1"].state == "pending"


async def test_functions_find_their_dependencies_by_type(client: EngineClient, local: ClosingConnection) -> None:
    class Printer:
        """What a service opens for its functions."""

    printer, found = Printer(), list[object]()

    @serve(slow)
    async def look(ctx: Context, request: Nothing) -> Nothing:
        found.extend(ctx.get_dependency(kind) for kind in (Printer, EngineClient, Namespace))
        return request

    register(client, functions_of([look]), [printer])
    client.resonate.start()
    await slow.start(client, "s/1", Nothing())
    await until(lambda: local.state.promises["shop/s/1"].state == "resolved")
    await stop(client, timedelta(seconds=1))
    assert found == [printer, client, client.namespace]


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_serves_until_it_is_told_to_stop(
    definition: Service,
    client: EngineClient,
    local: ClosingConnection,
    caplog: pytest.LogCaptureFixture,
    told: signal.Signals,
) -> None:
    synced, canceled = asyncio.Event(), asyncio.Event()

    async def sync(given: EngineClient) -> None:
        assert given is client
        synced.set()
        try:
            await asyncio.sleep(60)
        finally:
            canceled.set()

    async def fail(_: EngineClient) -> None:
        raise RuntimeError("it cannot")

    @serve(slow)
    async def do_nothing(ctx: Context, request: Nothing) -> Nothing:
        return request

    settings = make_settings(definition, shutdown_grace=1)
    tasks = [("schedule sync", sync), ("report", fail)]
    with caplog.at_level(logging.INFO):
        serving = asyncio.create_task(serve_group(settings, client, functions_of([do_nothing]), background_tasks=tasks))
        await synced.wait()
        await slow.start(client, "s/1", Nothing())
        await until(lambda: local.state.promises["shop/s/1"].state == "resolved")
        assert not serving.done()
        os.kill(os.getpid(), told)
        async with asyncio.timeout(5):
            await serving
    assert canceled.is_set() and local.stopped
    messages = [record.getMessage() for record in caplog.records]
    assert "group shop.workers serves gate.hold, schedule.run, slow" in messages
    assert "group shop.workers drains" in messages
    assert "background task failed: report" in messages and "it cannot" in caplog.text


async def test_a_worker_whose_health_port_is_taken_ends(
    definition: Service, client: EngineClient, local: ClosingConnection
) -> None:
    port = free_port()
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    async with server:
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port}"):
            await serve_group(make_settings(definition, health_port=port), client, [])
    assert local.stopped
