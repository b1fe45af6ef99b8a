"""`http.draining` and `http.server`: what clients see of a process that stops."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep

import httpx
import pytest
import uvicorn
from shop.runtime import dev
from shop.runtime.http import draining
from shop.runtime.http.protocol import BoundedHttp
from shop.runtime.http.server import DrainingServer
from shop.runtime.service import Service
from shop.runtime.testing.databases import Databases
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import problem

from . import orders
from .raw_http import exchange

pytestmark = pytest.mark.usefixtures("no_settings")

LONG = 20.0


@dataclass(frozen=True)
class Running:
    """A server, its address, and clients of it that wait in threads."""

    server: DrainingServer
    thread: threading.Thread
    port: int
    pool: ThreadPoolExecutor

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask on a connection of its own."""
        return httpx.get(self.url + path, headers=headers, timeout=30)

    def begin(self, path: str, has_begun: Callable[[], object], **headers: str) -> "Future[httpx.Response]":
        """Send a request that waits, and return when the server waits."""
        sent = self.pool.submit(self.get, path, **headers)
        until(has_begun)
        return sent


type Start = Callable[..., AbstractContextManager[Running]]


def until(holds: Callable[[], object]) -> None:
    """Poll until something holds; fail after 30 s."""
    deadline = monotonic() + 30
    while not holds():
        assert monotonic() < deadline
        sleep(0.01)


@pytest.fixture
def running(definition: Service, databases: Databases) -> Iterator[Start]:
    """Starts the service with the routes of `orders.py` and one that is slow."""

    @contextmanager
    def start(delay: float, grace: int = 10) -> Iterator[Running]:
        settings = make_settings(definition, database_url=databases.create(), shutdown_grace=0)
        app = dev.create_app(definition, settings, tick=0.05, extra=orders.SERVED)
        orders.include(app)

        @app.get("/slow")
        async def slow() -> None:
            await asyncio.sleep(LONG)

        with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
            config = uvicorn.Config(
                app,
                http=BoundedHttp,
                ws="none",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=grace,
            )
            server = DrainingServer(config, timedelta(seconds=delay))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                until(lambda: server.started)
                yield Running(server, thread, listener.getsockname()[1], pool)
            finally:
                server.should_exit = server.force_exit = True
                thread.join()

    yield start
    draining.reset()


def test_requests_that_wait_are_answered_when_the_process_is_told_to_stop(
    running: Start,
) -> None:
    with running(delay=0) as service:
        path = "/customers/c-1/orders"
        posted = httpx.post(f"{service.url}{path}?number=0", headers={"Idempotency-Key": "waits"})
        assert posted.status_code == 202
        polled = service.begin(f"{path}/waits", lambda: len(draining._waiting) == 1, Prefer="wait=20")
        read = service.begin("/customers/c-1/receipts/0?seconds=20", lambda: len(draining._waiting) == 2)
        told = monotonic()
        service.server.handle_exit(signal.SIGTERM, None)
        answer = polled.result(30)
        assert (answer.status_code, answer.json()["status"]) == (200, "running")
        assert answer.headers["Connection"] == "close"
        assert "Preference-Applied" not in answer.headers
        assert problem(read.result(30)) == (503, "stopping")
        service.thread.join(30)
        assert not service.thread.is_alive() and monotonic() - told < LONG
        # A clean stop: uvicorn would raise the signal again here.
        assert service.server._captured_signals == []


def test_readiness_says_it_first_and_connections_are_told_to_close(
    running: Start,
) -> None:
    with running(delay=60) as service, httpx.Client(base_url=service.url) as kept:
        assert kept.get("/readyz").status_code == 200
        service.server.handle_exit(signal.SIGTERM, None)
        # On a connection that was open, and on a new one.
        for answer in (kept.get("/readyz"), service.get("/readyz")):
            assert problem(answer) == (503, "stopping")
            assert answer.headers["Connection"] == "close" and answer.headers["Retry-After"] == "1"
        # Other requests are still served.
        assert service.get("/livez").json() == {"status": "alive"}
        assert exchange(service.port, b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.1 200")
        # A second signal has no patience.
        service.server.handle_exit(signal.SIGTERM, None)
        service.thread.join(30)
        assert not service.thread.is_alive()


def test_ctrl_c_has_no_delay(running: Start) -> None:
    with running(delay=60) as service:
        service.server.handle_exit(signal.SIGINT, None)
        service.thread.join(30)
        assert not service.thread.is_alive()


def test_a_request_that_outlives_the_grace_gets_a_problem(
    running: Start,
) -> None:
    """Not a 500 in plain text."""
    with running(delay=0, grace=1) as service:
        slow = service.begin("/slow", lambda: service.server.server_state.tasks)
        service.server.handle_exit(signal.SIGTERM, None)
        assert problem(slow.result(30)) == (503, "stopping")


async def test_a_pause_ends_when_the_process_drains() -> None:
    draining.reset()
    pause = asyncio.create_task(draining.sleep(60))
    await asyncio.sleep(0)
    try:
        draining.begin()
        async with asyncio.timeout(10):
            await pause
            await draining.sleep(60)
    finally:
        draining.reset()
