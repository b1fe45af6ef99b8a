"""The client stays alive: what would make a plain one deaf, or its timers stop, does not."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from inspect import isawaitable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from psycopg.errors import InsufficientPrivilege
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from resonate.error import ConnectorError
from resonate.retry import NoBackoff
from resonate.testing import instant_sleeper

from {{ package_name }} import (
    engine as engines,
)
from {{ package_name }}.engine import (
    LiveSSE,
    SteadyPostgres,
    connect,
)
from {{ package_name }}.rpc import (
    Rpc,
    serve,
)
from {{ package_name }}.settings import (
    Settings,
)

from .conftest import SECRET


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    """Sends one message a connection, numbered, and ends the stream."""
    connections = 0

    async def poll(request: web.Request) -> web.StreamResponse:
        nonlocal connections
        connections += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(f"data: {connections}\n\n".encode())
        return response

    app = web.Application()
    app.router.add_get("/poll/workers/me", poll)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


async def test_the_stream_has_no_end_of_its_own() -> None:
    stream = LiveSSE("http://127.0.0.1:9", pid="me", group="workers")
    timeout = stream._ensure_session().timeout
    await stream.stop()
    assert (timeout.total, timeout.sock_read, timeout.sock_connect) == (None, None, 10)


async def test_the_stream_comes_back_whatever_ends_it(server: TestServer) -> None:
    stream = LiveSSE(str(server.make_url("/")), pid="me", group="workers", backoff=NoBackoff())
    heard: asyncio.Queue[str] = asyncio.Queue()

    def hear(message: str) -> None:
        assert stream.connected
        heard.put_nowait(message)
        if message == "2":
            raise ValueError("an error that the SDK does not expect")

    stream.recv(hear)
    await stream.start()
    async with asyncio.timeout(10):
        assert [await heard.get() for _ in range(4)] == ["1", "2", "3", "4"]
    await stream.stop()
    assert not stream.connected


async def test_a_stream_that_is_cut_off_in_silence_ends(server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine sends nothing while there is no work: only TCP finds out that it is no longer there."""
    opened: list[socket.socket] = []
    make = engines._keep_alive_socket

    def noted(address: tuple[Any, ...]) -> socket.socket:
        opened.append(make(address))
        return opened[-1]

    monkeypatch.setattr(engines, "_keep_alive_socket", noted)
    stream = LiveSSE(str(server.make_url("/")), pid="me", group="workers")
    heard = asyncio.Event()
    stream.recv(lambda message: heard.set())
    await stream.start()
    async with asyncio.timeout(10):
        await heard.wait()
    assert opened[0].getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    if hasattr(socket, "TCP_KEEPIDLE"):
        names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        idle, interval, count = (opened[0].getsockopt(socket.IPPROTO_TCP, name) for name in names)
        assert idle + interval * count <= 60
    await stream.stop()


class Database:
    """A stand-in for Postgres that fails once."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.failures = 1

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("a blip")
        yield self

    async def execute(self, query: str, params: Any = None) -> Any:
        self.statements.append(query)

    async def dedicated(self) -> Any:
        raise ConnectionError("not listening")

    async def close(self) -> None:
        self.failures = 0


class Refusing(Database):
    """Postgres as a role that may not drive the timers sees it."""

    async def execute(self, query: str, params: Any = None) -> Any:
        if "process_timeouts" in query:
            raise InsufficientPrivilege
        self.statements.append(query)
        return self

    async def fetchall(self) -> Any:
        return []


class Timed(Refusing):
    """Postgres whose first session fails and whose listening never ends."""

    async def execute(self, query: str, params: Any = None) -> Any:
        self.statements.append(query)
        return self

    async def dedicated(self) -> Any:
        return self

    async def notifies(self) -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield


async def test_timers_go_on_after_a_blip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SteadyPostgres, "_PAUSE", 0.05)
    database = Database()
    postgres = SteadyPostgres(sessions=database)
    for _ in range(2):
        await postgres._fire_timers()
    assert database.statements == []
    await asyncio.sleep(0.06)
    await postgres._fire_timers()
    assert database.statements == ["SELECT resonate.process_timeouts()"]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while True:
            seen = condition()
            if await seen if isawaitable(seen) else seen:
                return
            await asyncio.sleep(0.01)


async def test_postgres_is_heard_while_its_loops_live_and_its_timers_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SteadyPostgres, "_PAUSE", 0.2)
    postgres = SteadyPostgres(sessions=Timed(), tick=0.01)
    assert not postgres.connected
    postgres.recv(lambda message: None)
    await postgres.start()
    await until(lambda: not postgres._timers_run)
    assert not postgres.connected
    await until(lambda: postgres.connected)
    # Nothing was fetched for long: a session that hangs, say.
    monkeypatch.setattr(SteadyPostgres, "_STALE", -1.0)
    assert not postgres.connected
    monkeypatch.undo()
    await until(lambda: postgres.connected)
    listener = postgres._tasks[-1]
    listener.cancel()
    await until(listener.done)
    assert not postgres.connected
    await postgres.stop()


async def test_timers_that_are_somebody_elses_are_no_fault() -> None:
    sessions = Refusing()
    sessions.failures = 0
    postgres = SteadyPostgres(sessions=sessions, tick=0.01)
    postgres.recv(lambda message: None)
    await postgres.start()
    await until(lambda: postgres.connected)
    await postgres.stop()
    assert not postgres.connected


class Schedules(Database):
    """The table of schedules, as far as one may read it."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.failures = 0
        self.answer = answer

    async def execute(self, query: str, params: Any = None) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self

    async def fetchall(self) -> Any:
        return self.answer


async def test_schedules_on_postgres_are_read_where_they_may_be() -> None:
    assert await SteadyPostgres(sessions=Schedules([("shop/a",), ("shop/b",)])).schedule_ids("shop/") == {
        "shop/a",
        "shop/b",
    }
    assert await SteadyPostgres(sessions=Schedules(InsufficientPrivilege())).schedule_ids("shop/") is None
    with pytest.raises(ConnectorError):
        await SteadyPostgres(sessions=Schedules(ConnectionError("a blip"))).schedule_ids("shop/")


class Nothing(BaseModel):
    """A request or a result without content."""


async def test_a_worker_whose_stream_is_down_is_in_trouble_though_the_engine_answers() -> None:
    refused, gone = True, asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        asked = await request.json()
        head = {**asked["head"], "status": 404}
        return web.json_response({"kind": asked["kind"], "head": head, "data": {"error": "not found"}})

    async def poll(request: web.Request) -> web.StreamResponse:
        if refused:
            return web.Response(status=503)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await gone.wait()
        return response

    app = web.Application()
    app.router.add_post("/", answer)
    app.router.add_get("/poll/tests/{pid}", poll)

    async def nothing(ctx: Context, request: Nothing) -> Nothing:
        return request

    rpc = Rpc(name="nothing", group="tests", request=Nothing, result=Nothing)
    async with TestServer(app) as server:
        settings = Settings(
            webhook_secret=SECRET,
            database_url="sqlite:///unused.db",
            resonate_url=str(server.make_url("/")),
            _env_file=None,
        )
        engine = connect(settings, "tests", served=[serve(rpc, nothing)])
        assert await engine.trouble() == "the stream of work is down"
        refused = False

        async def well() -> bool:
            return await engine.trouble() is None

        await until(well)
        gone.set()
        await server.close()
        assert await engine.trouble() == "the engine does not answer"
        await engine.stop(timedelta(seconds=1))


class Closing(LocalConnection):
    """Refuses what comes after its stop, as a connection to a server does."""

    stopped = False

    async def stop(self) -> None:
        self.stopped = True
        await super().stop()

    async def send(self, req: str, headers: dict[str, str] | None = None) -> str:
        if self.stopped:
            raise ConnectorError(RuntimeError("stopped"))
        return await super().send(req, headers)


async def test_what_runs_is_finished_and_kept_before_a_stop() -> None:
    begun = asyncio.Event()

    async def slow(ctx: Context, request: Nothing) -> Nothing:
        begun.set()
        await asyncio.sleep(0.2)
        return Nothing()

    rpc = Rpc(name="slow", group="tests", request=Nothing, result=Nothing)
    settings = Settings(webhook_secret=SECRET, database_url="sqlite:///unused.db", _env_file=None)
    local = Closing(group="tests")
    engine = connect(settings, "tests", served=[serve(rpc, slow)], local=local)
    await engine.start_workflow(rpc, "s/1", Nothing(), timedelta(seconds=60), {})
    await begun.wait()
    await engine.stop(timedelta(seconds=5))
    assert local.state.promises["s/1"].state == "resolved"


async def test_a_step_is_tried_four_times() -> None:
    """The SDK's own policy tries 30 times, doubling each pause: for ever."""
    tries: list[str] = []

    async def step(ctx: Context) -> None:
        tries.append(ctx.info.id)
        raise ConnectionError("away")

    async def work(ctx: Context, request: Nothing) -> Nothing:
        await ctx.run(step)
        return request

    rpc = Rpc(name="work", group="tests", request=Nothing, result=Nothing)
    settings = Settings(webhook_secret=SECRET, database_url="sqlite:///unused.db", _env_file=None)
    local = LocalConnection(group="tests")
    engine = connect(settings, "tests", served=[serve(rpc, work)], local=local)
    engine.resonate._core.sleeper = instant_sleeper
    await engine.start_workflow(rpc, "s/1", Nothing(), timedelta(seconds=60), {})
    await until(lambda: local.state.promises["s/1"].state == "rejected")
    assert tries == ["s/1:1"] * 4
    await engine.stop(timedelta(seconds=1))
