"""`http.limits`: how large a body may be, and how long it may take."""

import socket
from collections.abc import AsyncIterator, Iterator
from time import monotonic

import pytest
from fastapi import APIRouter
from shop.runtime.http import limits
from shop.runtime.service import Service
from shop.runtime.testing.databases import Databases
from shop.runtime.testing.running import RunningService, problem

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
