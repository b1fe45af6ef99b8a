"""`http.limits`: how large a body may be, and how long it may take."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from time import monotonic

import httpx
import pytest
from fastapi import APIRouter
from shop.runtime.http import limits
from shop.runtime.service import Service
from shop.runtime.testing.databases import Databases
from shop.runtime.testing.running import RunningService, StartService, problem
from starlette.types import Message

from . import notes as note_routes
from .notes import post, serve_notes, was_started
from .raw_http import POST, exchange

MIB = 1024 * 1024
LARGE = b'{"text": "' + b"a" * MIB + b'"}'


async def in_pieces(body: bytes = LARGE) -> AsyncIterator[bytes]:
    for at in range(0, len(body), 65536):
        yield body[at : at + 65536]


async def test_bodies_that_are_too_large(notes: RunningService) -> None:
    for content in (LARGE, in_pieces()):
        assert problem(await post(notes, content)) == (413, "body-too-large")
    assert problem(await notes.send_signed("/webhooks/notes", LARGE)) == (413, "body-too-large")
    for length in ("9" * 18, "9" * 5000):
        assert problem(await post(notes, b"{}", Content_Length=length)) == (413, "body-too-large")
    assert not await was_started(notes)


async def test_a_body_that_is_too_large_with_its_defaults(notes: RunningService) -> None:
    """It may arrive, but the engine does not keep as much."""
    body = b'{"text":"' + b"x" * (limits.MAX_BODY - 11) + b'"}'
    assert len(body) == limits.MAX_BODY
    refused = await post(notes, body)
    assert problem(refused) == (413, "body-too-large")
    assert "the request of keep cannot be kept: it has 1,0" in refused.json()["detail"]
    assert not await was_started(notes)


async def test_bodies_that_are_too_large_for_a_plain_route(service: RunningService) -> None:
    router = APIRouter()

    @router.post("/count")
    async def count(body: dict[str, float]) -> int:
        return len(body)

    service.app.include_router(router)
    large = b'{"a": 1' + b" " * MIB + b"}"
    for content in (large, in_pieces(large)):
        response = await service.http.post("/count", content=content, headers={"Content-Type": "application/json"})
        assert problem(response) == (413, "body-too-large")


@pytest.fixture(scope="module")
def port(definition: Service, databases: Databases) -> Iterator[int]:
    """The port of a service that gives a body half a second."""
    with pytest.MonkeyPatch.context() as patched, serve_notes(definition, databases) as port:
        patched.setattr(limits, "BODY_TIMEOUT", 0.5)
        yield port


@pytest.mark.parametrize("framing", [b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"])
def test_a_body_that_does_not_end(port: int, framing: bytes) -> None:
    started = monotonic()
    response = exchange(port, POST % b"/notes" + framing)
    assert response.startswith(b"HTTP/1.1 408 ") and b"body-too-slow" in response
    # Also where nobody reads it.
    response = exchange(port, POST % b"/nowhere" + framing)
    assert response.startswith(b"HTTP/1.1 404 ") and b"connection: close" in response
    assert monotonic() - started < 5


def test_a_body_that_is_cut_off_starts_nothing(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(POST % b"/notes" + b"Content-Length: 3\r\n\r\n{}")
    whole = exchange(port, POST % b"/notes" + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")
    assert whole.startswith(b"HTTP/1.1 202 ") and b"idempotent-replayed" not in whole.lower()


def test_a_client_that_sends_too_much_reads_the_response(port: int) -> None:
    for framing in (b"Content-Length: 3000002\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n2dc6c2\r\n"):
        end = b"\r\n0\r\n\r\n" if b"chunked" in framing else b""
        head = POST % b"/notes" + b"Connection: close\r\n" + framing
        response = exchange(port, head, b'"' + b"a" * 3_000_000 + b'"' + end)
        assert response.startswith(b"HTTP/1.1 413 ") and b"body-too-large" in response


# Whoever has no key


class Body:
    """A client that would send 5 GiB, in parts of 64 KiB, and counts what is taken."""

    def __init__(self, size: int = 5 * 1024 * MIB) -> None:
        self.left, self.taken = size, 0

    async def receive(self) -> Message:
        part = min(self.left, 65536)
        self.left, self.taken = self.left - part, self.taken + part
        return {"type": "http.request", "body": b"a" * part, "more_body": self.left > 0}


async def ask(
    service: RunningService, path: str, body: Body, *headers: tuple[bytes, bytes]
) -> tuple[int, dict[bytes, bytes]]:
    """The status and headers of the response to a POST whose body nobody has read yet."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "root_path": "", "scheme": "http"}
    asked = [(b"content-type", b"application/json"), *headers]
    async with asyncio.timeout(5):
        await service.app({**scope, "headers": asked, "http_version": "1.1"}, body.receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    return start["status"], dict(start["headers"])


CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize(
    "header", [CHUNKED, (b"content-length", b"5368709120"), (b"content-length", b"65537")], ids=["chunked", "5G", "65K"]
)
async def test_the_body_of_whoever_has_no_key_is_not_read(
    start_service: StartService, header: tuple[bytes, bytes]
) -> None:
    async with start_service(note_routes.SERVED, api_keys="alice:secret1") as service:
        note_routes.include(service.app)
        body = Body()
        status, headers = await ask(service, "/notes", body, header)
        assert (status, headers[b"connection"], body.taken) == (401, b"close", 0)


async def test_a_small_body_of_whoever_has_no_key_keeps_the_connection(start_service: StartService) -> None:
    async with start_service(note_routes.SERVED, api_keys="alice:secret1") as service:
        note_routes.include(service.app)
        status, headers = await ask(service, "/notes", Body(1000), (b"content-length", b"1000"))
        assert (status, b"connection" in headers) == (401, False)


@pytest.mark.parametrize("path", ["/nowhere", "/livez", "/notes"])
async def test_what_is_not_wanted_is_not_received_for_long(notes: RunningService, path: str) -> None:
    for header, most in ((CHUNKED, 6 * MIB), ((b"content-length", b"5368709120"), 0)):
        body = Body()
        status, headers = await ask(notes, path, body, header)
        assert status in (404, 405, 413) and headers[b"connection"] == b"close"
        assert body.taken <= most


async def test_a_client_that_waits_to_be_asked_is_not_asked_in_vain(notes: RunningService) -> None:
    body = Body(1000)
    status, headers = await ask(notes, "/nowhere", body, (b"content-length", b"1000"), (b"expect", b"100-continue"))
    assert (status, headers[b"connection"], body.taken) == (404, b"close", 0)


def test_a_client_without_a_key_reads_its_response(definition: Service, databases: Databases) -> None:
    """Over a socket, while it sends: a client that finds the connection closed looks for a response."""
    with serve_notes(definition, databases, api_keys="alice:secret1") as port:
        for size in (10, 60_000, 3_000_000):
            for content in (b"a" * size, iter([b"a" * 10_000] * (size // 10_000))):
                assert problem(httpx.post(f"http://127.0.0.1:{port}/notes", content=content)) == (401, "unauthorized")
