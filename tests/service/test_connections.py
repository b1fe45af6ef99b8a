"""`engine.connections`: the stream of work comes back, whatever ends it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from resonate.retry import NoBackoff
from shop.runtime.engine import connections
from shop.runtime.engine.connections import ReconnectingSSE, http_connections

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
