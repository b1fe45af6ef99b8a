"""`engine.connections`: the stream of work comes back, whatever ends it, and requests are made until answered."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from time import time
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from resonate.error import ConnectorError
from resonate.retry import NoBackoff
from shop.runtime.engine import connections
from shop.runtime.engine.clock import EngineClock
from shop.runtime.engine.connections import ReconnectingSSE, RetryingHttp, http_connections

from .waiting import until


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    """Sends one message a connection, numbered, and ends the stream."""
    opened = 0

    async def poll(request: web.Request) -> web.StreamResponse:
        nonlocal opened
        opened += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(f"data: {opened}\n\n".encode())
        return response

    app = web.Application()
    app.router.add_get("/poll/shop.workers/me", poll)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


async def test_the_stream_has_no_end_of_its_own() -> None:
    stream = ReconnectingSSE("http://127.0.0.1:9", pid="me", group="shop.workers")
    timeout = stream._ensure_session().timeout
    await stream.stop()
    assert (timeout.total, timeout.sock_read, timeout.sock_connect) == (None, None, 10)


async def test_the_stream_comes_back_whatever_ends_it(server: TestServer) -> None:
    stream = ReconnectingSSE(str(server.make_url("/")), pid="me", group="shop.workers", backoff=NoBackoff())
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
    make = connections.keep_alive_socket

    def note(address: tuple[Any, ...]) -> socket.socket:
        opened.append(make(address))
        return opened[-1]

    monkeypatch.setattr(connections, "keep_alive_socket", note)
    stream = ReconnectingSSE(str(server.make_url("/")), pid="me", group="shop.workers")
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


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="Linux alone delays and can be told not to")
async def test_each_message_is_acknowledged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine with Nagle's algorithm holds a message back until the one before is acknowledged."""
    told, heard = list[int](), asyncio.Queue[int]()

    class Noted(socket.socket):
        def setsockopt(self, level: int, name: int, *value: Any) -> None:
            if (level, name) == (socket.IPPROTO_TCP, socket.TCP_QUICKACK):
                told.extend(value)
            super().setsockopt(level, name, *value)

    async def poll(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(3):
            await response.write(f"data: {number}\n\n".encode())
            await until(lambda number=number: heard.qsize() > number)  # type: ignore[misc]
        return response

    monkeypatch.setattr(socket, "socket", Noted)
    app = web.Application()
    app.router.add_get("/poll/shop.workers/me", poll)
    async with TestServer(app) as server:
        stream = ReconnectingSSE(str(server.make_url("/")), pid="me", group="shop.workers")
        stream.recv(lambda message: heard.put_nowait(len(told)))
        await stream.start()
        await until(lambda: heard.qsize() == 3)
        await stream.stop()
    assert [heard.get_nowait() for _ in range(3)] == [2, 3, 4]  # Once when it opened, then for each message.


async def test_both_connections_carry_the_token() -> None:
    seen: list[tuple[str, str | None]] = []

    async def note(request: web.Request) -> web.StreamResponse:
        seen.append((request.path, request.headers.get("Authorization")))
        return web.Response(status=503)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", note)
    async with TestServer(app) as server:
        network, source = http_connections(str(server.make_url("/")), group="shop.db", pid="me", token="a-token")
        source.recv(lambda message: None)
        await source.start()
        sending = asyncio.create_task(network.send("{}"))
        await until(lambda: {path for path, _ in seen} == {"/", "/poll/shop.db/me"})
        sending.cancel()
        await source.stop()
        await network.stop()
    assert {token for _, token in seen} == {"Bearer a-token"}


# Requests


class Answers:
    """A server whose first requests go wrong in some way; the date that it writes may be wrong."""

    def __init__(self, *wrong: str) -> None:
        self.wrong = list(wrong)
        self.asked = 0
        self.ahead = 0.0

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Go wrong in the next way, or answer."""
        self.asked += 1
        match self.wrong.pop(0) if self.wrong else "":
            case "hangs":
                await asyncio.sleep(60)
            case "hangs in its answer":
                response = web.StreamResponse(headers={"Content-Length": "10"})
                await response.prepare(request)
                await asyncio.sleep(60)
            case "is cut off":
                assert request.transport is not None
                request.transport.abort()
            case "has a gateway":
                return web.Response(status=503, text="<html>no server</html>", content_type="text/html")
            case "is full":
                return web.json_response({"head": {"status": 503}}, status=503)
            case "meets another":
                return web.json_response({"data": "Internal error: Serialization conflict"}, status=500)
        return web.Response(text="answered", headers={"Date": formatdate(time() + self.ahead, usegmt=True)})


@asynccontextmanager
async def requests_to(answers: Answers, clock: EngineClock | None = None) -> AsyncIterator[RetryingHttp]:
    """A connection to such a server."""
    app = web.Application()
    app.router.add_post("/", answers.respond)
    async with TestServer(app) as server:
        connection = RetryingHttp(str(server.make_url("/")), backoff=NoBackoff(), clock=clock)
        await connection.start()
        yield connection
        await connection.stop()


@pytest.mark.parametrize("wrong", ["hangs", "hangs in its answer", "is cut off", "has a gateway"])
async def test_a_request_without_an_answer_is_made_again(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setattr(connections, "TRY_TIMEOUT", 0.3 if "hangs" in wrong else 30)
    answers = Answers(wrong, wrong)
    async with asyncio.timeout(30), requests_to(answers) as connection:
        assert await connection.send("{}") == "answered"
    assert answers.asked == 3


async def test_a_server_that_answers_is_not_asked_again() -> None:
    answers = Answers("is full")
    async with requests_to(answers) as connection:
        assert await connection.send("{}") == '{"head": {"status": 503}}'
    assert answers.asked == 1


@pytest.mark.parametrize("times", [2, 100])
async def test_a_request_that_meets_another_is_made_again(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """As the server refuses the second of two that make one promise on Postgres; not for ever, whatever it answers."""
    monkeypatch.setattr(connections, "CONFLICT_PAUSES", (0.0,) * 4)
    answers = Answers(*["meets another"] * times)
    async with requests_to(answers) as connection:
        answer = await connection.send("{}")
    assert (answer == "answered", answers.asked) == ((True, 3) if times == 2 else (False, 5))


async def test_a_request_ends_when_its_connection_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(*["has a gateway"] * 10_000)
    async with requests_to(answers) as connection:
        sending = asyncio.create_task(connection.send("{}"))
        await until(lambda: answers.asked > 2)
        await connection.stop()
        with pytest.raises(ConnectorError, match="stopped"):
            await sending
        with pytest.raises(ConnectorError):
            await connection.send("{}")


async def test_a_connection_that_was_not_started_tries_once() -> None:
    """The heartbeat's: what it would send after a pause is no longer what runs."""
    connection = RetryingHttp("http://127.0.0.1:9")
    with pytest.raises(ConnectorError):
        await connection.send("{}")
    await connection.stop()


async def test_a_request_notices_a_connection_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[socket.socket] = []
    make = connections.keep_alive_socket

    def note(address: tuple[Any, ...]) -> socket.socket:
        opened.append(make(address))
        return opened[-1]

    monkeypatch.setattr(connections, "keep_alive_socket", note)
    async with requests_to(Answers()) as connection:
        await connection.send("{}")
        assert opened[0].getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@pytest.mark.parametrize("ahead", [400, -400])
async def test_an_answer_tells_the_engine_s_clock(ahead: int) -> None:
    answers, clock = Answers(), EngineClock()
    answers.ahead = ahead
    async with requests_to(answers, clock) as connection:
        await connection.send("{}")
    assert abs(clock.skew - ahead) < 30
    answers.ahead = 0
    async with requests_to(answers, clock) as connection:
        await until(lambda: _close(clock, connection))


async def _close(clock: EngineClock, connection: RetryingHttp) -> bool:
    await connection.send("{}")
    return clock.skew == 0
