"""`http.protocol`: what one connection may take of the process, in memory, time and requests under way."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic

import pytest
from fastapi import FastAPI, Request, Response
from shop.runtime.http import limits, protocol
from shop.runtime.http.limits import BodyLimit
from shop.runtime.http.problems import ProblemMiddleware, install_handlers
from shop.runtime.testing.running import serve_on_port
from starlette.types import ASGIApp

from .raw_http import exchange

MOST = 20
LARGE = 8 * 1024 * 1024
CHUNKED = b"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class Counted:
    """An application, its URL, and what it was asked."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.asked = 0
        self.port = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.limits: list[BodyLimit] = []
        self.app.add_middleware(self.limited)
        self.app.add_middleware(ProblemMiddleware)
        install_handlers(self.app)

        @self.app.get("/small")
        async def small() -> str:
            self.asked += 1
            return "small"

        @self.app.get("/slow")
        def slow() -> str:
            self.asked += 1
            assert self.may_answer.wait(30)
            return "slow"

        @self.app.get("/large")
        async def large() -> Response:
            return Response(b"a" * LARGE)

        @self.app.post("/length")
        async def length(request: Request) -> int:
            self.asked += 1
            return len(await request.body())

    def limited(self, app: ASGIApp) -> BodyLimit:
        """A limit that the test can look at."""
        self.limits.append(BodyLimit(app))
        return self.limits[-1]


@pytest.fixture(scope="module")
def served() -> Iterator[Counted]:
    """The application, served by uvicorn with twenty connections at most, and short time-outs."""
    counted = Counted()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protocol, "HEAD_TIMEOUT", 0.5)
        patched.setattr(protocol, "READ_TIMEOUT", 0.5)
        with serve_on_port(counted.app, limit_concurrency=MOST) as url:
            counted.port = int(url.rpartition(":")[2])
            yield counted


@pytest.fixture
def patient(served: Counted, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """The same, where no time-out ends anything."""
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 60)
    monkeypatch.setattr(protocol, "READ_TIMEOUT", 60)
    return served


def pushed(port: int, first: bytes, then: bytes, most: int = 8 * LARGE) -> int:
    """How many bytes of an endless request are taken before the connection is closed."""
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, suppress(OSError):
        connection.sendall(first)
        while sent < most:
            sent += connection.send(then)
    return sent


def until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 30
    while not condition():
        assert monotonic() < deadline
        time.sleep(0.01)


def status_of(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


# Heads and trailers


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 90_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /small HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 90_000 + b"\r\n\r\n",
        b"GET /small HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 15_000 + b"\r\n",
        b"GET /small HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 200 + b"\r\n",
    ],
    ids=["a path", "a header", "headers", "201 headers"],
)
def test_a_head_that_is_too_large_though_it_arrives_at_once(patient: Counted, head: bytes) -> None:
    before = patient.asked
    assert status_of(exchange(patient.port, head)) == 431
    assert patient.asked == before


def test_a_head_of_the_size_that_is_allowed(patient: Counted) -> None:
    head = b"GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + b"X: a\r\n" * 197
    head += b"X: " + b"a" * 64_000 + b"\r\n\r\n"
    assert status_of(exchange(patient.port, head)) == 200


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"GET /small HTTP/1.1\r\n" + CHUNKED + b"0\r\n", b"X: a\r\n" * 1000),
        (b"GET /small HTTP/1.1\r\n" + CHUNKED + b"0\r\nX: ", b"a" * 8192),
        (b"POST /length HTTP/1.1\r\n" + CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: a\r\n" * 1000),
        (b"POST /length HTTP/1.1\r\n" + CHUNKED + b"1;a=", b"a" * 8192),
        (b"GET /small HTTP/1.1\r\nX: ", b"a" * 8192),
        (b"GET /small HTTP/1.1\r\n", b"X: a\r\n" * 1000),
        (b"GET /", b"a" * 8192),
        (b"", b"\r\n" * 4096),
    ],
    ids=["trailers", "a trailer", "trailers of a body", "an extension", "a header", "headers", "a path", "empty lines"],
)
def test_what_does_not_end_is_cut_off(patient: Counted, first: bytes, then: bytes) -> None:
    """At what this side's and the other's buffers hold, and 64 KiB."""
    assert pushed(patient.port, first, then) < 2 * LARGE


@pytest.mark.parametrize("trailer", [b"X: a\r\n", b"Content-Length: 3\r\n", b"Authorization: Bearer a\r\n"])
def test_a_trailer_is_refused(patient: Counted, trailer: bytes) -> None:
    before = patient.asked
    request = b"POST /length HTTP/1.1\r\n" + CHUNKED + b"2\r\n{}\r\n0\r\n" + trailer + b"\r\n"
    response = exchange(patient.port, request)
    assert status_of(response) == 400 and b"bad-request" in response
    assert patient.asked - before <= 1 and response.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(("parts", "status"), [(16_384, 200), (16_385, 400)])
def test_a_body_has_so_many_parts_at_most(patient: Counted, parts: int, status: int) -> None:
    body = b"1\r\na\r\n" * parts
    request = b"POST /length HTTP/1.1\r\nConnection: close\r\n" + CHUNKED + body + b"0\r\n\r\n"
    response = exchange(patient.port, request)
    assert status_of(response) == status
    assert response.endswith(b"\r\n\r\n16384") == (status == 200)


# Pipelines

GET = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_pipeline_is_answered_in_its_order(patient: Counted) -> None:
    last = b"GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    response = exchange(patient.port, GET % b"/slow" + GET % b"/small" + GET % b"/nowhere" + last)
    assert [part[:3] for part in response.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"404", b"200"]
    assert response.index(b"slow") < response.index(b"small")


def test_a_pipeline_that_is_too_long_ends_behind_what_fits(patient: Counted) -> None:
    before = patient.asked
    patient.may_answer.clear()
    with socket.create_connection(("127.0.0.1", patient.port), timeout=30) as connection:
        connection.sendall(GET % b"/slow" + GET % b"/small" * 1000)
        until(lambda: patient.asked == before + 1)
        patient.may_answer.set()
        response = b""
        while part := connection.recv(65536):
            response += part
    assert response.count(b"HTTP/1.1 200") == patient.asked - before == 1 + protocol.MAX_PIPELINED
    assert b"HTTP/1.1 4" not in response


def test_what_is_malformed_behind_requests_takes_no_response_of_theirs(patient: Counted) -> None:
    response = exchange(patient.port, GET % b"/small" + GET % b"/small" + b"BREW /small HTTP/1.1\r\n\r\n")
    assert response.count(b"HTTP/1.1 200") == 2 and b"HTTP/1.1 4" not in response


def test_pipelines_whose_answers_nobody_reads_are_not_taken(patient: Counted) -> None:
    assert pushed(patient.port, b"", GET % b"/small" * 1000) < 2 * LARGE


# Clients that do nothing


def test_a_client_that_does_not_read_is_cut_off(served: Counted) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", served.port))
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        time.sleep(2)
        received = 0
        with suppress(ConnectionError):
            while part := connection.recv(65536):
                received += len(part)
    assert received < LARGE


def test_a_client_that_reads_slowly_is_not(served: Counted) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        received = 0
        while part := connection.recv(1024 * 1024):
            received += len(part)
            time.sleep(0.1)
    assert received > LARGE


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /small HT", b"\r\n\r\nG"])
def test_a_connection_on_which_no_further_request_comes(served: Counted, sent: bytes) -> None:
    """Whatever is sent between requests, and begins none."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(GET % b"/small")
        assert status_of(connection.recv(65536)) == 200
        connection.sendall(sent)
        if sent:  # An idle one stays for KEEP_ALIVE.
            assert connection.recv(65536) == b""


def test_a_head_in_a_pipeline_has_its_time_after_the_responses(served: Counted) -> None:
    served.may_answer.clear()
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(GET % b"/slow" + b"GET /small HTTP/1.1\r\n")
        time.sleep(1.2)
        served.may_answer.set()
        assert status_of(connection.recv(65536)) == 200
        connection.sendall(b"Connection: close\r\n\r\n")
        assert status_of(connection.recv(65536)) == 200


def connected(served: Counted, request: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=30)
    connection.sendall(request)
    return connection


def test_connections_beyond_the_bound_are_refused_at_once(patient: Counted) -> None:
    """Where all of them wait for this service."""
    patient.may_answer.clear()
    before = patient.asked
    held = [connected(patient, GET % b"/slow") for _ in range(MOST)]
    try:
        until(lambda: patient.asked == before + MOST)
        refused = exchange(patient.port)
        assert status_of(refused) == 503 and b"too-many-connections" in refused
    finally:
        patient.may_answer.set()
    for connection in held:
        assert status_of(connection.recv(65536)) == 200
        connection.close()
    until(lambda: status_of(exchange(patient.port, b"GET /small HTTP/1.0\r\n\r\n")) == 200)


@pytest.mark.parametrize(
    "waiting",
    [b"", b"GET /small HT", GET % b"/small", b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na"],
    ids=["nothing", "a head", "a further request", "a body"],
)
def test_whoever_waits_longest_for_its_client_makes_room(patient: Counted, waiting: bytes) -> None:
    patient.may_answer.clear()
    before = patient.asked
    busy = connected(patient, GET % b"/slow")
    until(lambda: patient.asked == before + 1)
    held = []
    for number in range(MOST - 1):
        held.append(connected(patient, waiting))
        if number == 0:
            time.sleep(0.1)
    newest = connected(patient, GET % b"/small")
    assert status_of(newest.recv(65536)) == 200
    # What it had answered may come first.
    with suppress(ConnectionError):
        while held[0].recv(65536):
            pass
    patient.may_answer.set()
    assert status_of(busy.recv(65536)) == 200
    for connection in (busy, newest, *held):
        connection.close()


# Bodies


def test_bodies_together_have_a_bound(patient: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BODIES", 100_000)
    head = b"POST /length HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", patient.port), timeout=30) as first:
        first.sendall(head + b"a" * 59_999)
        until(lambda: patient.limits[-1].held >= 59_999)
        refused = exchange(patient.port, head + b"a" * 60_000)
        assert status_of(refused) == 503 and b"too-many-bodies" in refused and b"retry-after: 5" in refused.lower()
        first.sendall(b"a")
        assert first.recv(65536).endswith(b"60000")
    # What was held is given back.
    assert exchange(patient.port, head + b"a" * 60_000).endswith(b"60000")
