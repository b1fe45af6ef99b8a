"""`engine.http_client`: connections stay open while they are good, and no answer is taken for another's."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from shop.runtime.engine import http_client
from shop.runtime.engine.connections import keep_alive_socket
from shop.runtime.engine.http_client import HttpClient

ANSWER = b"HTTP/1.1 200 OK\r\nX-Name: value\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers each request with bytes; ``heads`` are those of its requests, by connection."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heads: list[list[bytes]] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.heads.append(heads := [])
        self.writers.append(writer)
        try:
            while True:
                heads.append(head := await reader.readuntil(b"\r\n\r\n"))
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
                writer.write(self.answers.pop(0) if self.answers else ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


type Post = Callable[[], Awaitable[tuple[int, bytes]]]


@asynccontextmanager
async def asking(server: Server, path: str = "/", **headers: str) -> AsyncIterator[Post]:
    """Posts to a server."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1")
    host, port = listening.sockets[0].getsockname()
    client = HttpClient(f"http://{host}:{port}{path}", headers, keep_alive_socket)

    async def post() -> tuple[int, bytes]:
        answer = await client.post(b"{}", seconds=5, connect_seconds=5)
        return answer.status, answer.body

    try:
        yield post
    finally:
        client.close()
        listening.close()


async def test_one_connection_carries_one_request_after_another() -> None:
    server = Server(ANSWER, CHUNKED)
    async with asking(server, "/base/", Authorization="Bearer a-token") as post:
        assert [await post() for _ in range(3)] == [(200, b"ok"), (201, b"ok"), (200, b"ok")]
    ((first, *others),) = server.heads
    assert others == [first, first]
    assert first.startswith(b"POST /base/ HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nAuthorization: Bearer a-token\r\n" in first


async def test_requests_at_a_time_have_connections_of_their_own() -> None:
    server = Server()
    async with asking(server) as post:
        await asyncio.gather(*(post() for _ in range(4)))
        await asyncio.gather(*(post() for _ in range(4)))
    assert [len(heads) for heads in server.heads] == [2, 2, 2, 2]


async def test_so_many_are_open_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "_MOST_CONNECTIONS", 2)
    server = Server()
    async with asking(server) as post:
        await asyncio.gather(*(post() for _ in range(6)))
    assert len(server.heads) == 2


@pytest.mark.parametrize("answer", [CLOSING, ANSWER + ANSWER], ids=["it says so", "more came than was asked for"])
async def test_a_connection_is_not_used_again(answer: bytes) -> None:
    server = Server(answer)
    async with asking(server) as post:
        assert [await post(), await post()] == [(200, b"ok"), (200, b"ok")]
    assert len(server.heads) == 2


async def test_what_comes_unasked_is_no_answer() -> None:
    server = Server()
    async with asking(server) as post:
        await post()
        server.writers[0].write(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(0.05)
        assert await post() == (200, b"ok")
    assert len(server.heads) == 2


async def test_a_connection_that_the_server_ended_or_that_was_idle_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    async with asking(server) as post:
        await post()
        server.writers[0].close()
        await asyncio.sleep(0.05)
        await post()
        monkeypatch.setattr(http_client, "_MOST_IDLE", 0)
        await asyncio.sleep(0.01)
        await post()
    assert len(server.heads) == 3


@pytest.mark.parametrize("answer", [ANSWER[:-1], b"SSH-2.0-OpenSSH\r\n"], ids=["cut off", "no HTTP"])
async def test_half_an_answer_is_a_lost_connection(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(answer)
        writer.close()

    server: Any = Server()
    server.serve = serve
    async with asking(server) as post:
        with pytest.raises(ConnectionError):
            await post()


async def test_a_request_that_is_given_up_takes_its_connection_along() -> None:
    """What is answered late is nobody's answer."""
    server = Server(b"")
    async with asking(server) as post:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(post(), 0.1)
        assert await post() == (200, b"ok")
    assert len(server.heads) == 2


async def test_a_server_that_is_not_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = HttpClient(f"http://127.0.0.1:{unused.getsockname()[1]}/", {}, keep_alive_socket)
        with pytest.raises(ConnectionRefusedError):
            await client.post(b"", seconds=5, connect_seconds=5)
    client.close()
    with pytest.raises(ConnectionError, match="closed"):
        await client.post(b"", seconds=5, connect_seconds=5)


async def test_a_password_in_the_url() -> None:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1")
    port = listening.sockets[0].getsockname()[1]
    client = HttpClient(f"http://me:a%20b@127.0.0.1:{port}/", {}, keep_alive_socket)
    await client.post(b"", seconds=5, connect_seconds=5)
    client.close()
    listening.close()
    assert b"Authorization: Basic bWU6YSBi\r\n" in server.heads[0][0]
