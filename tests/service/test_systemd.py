"""`engine.systemd`: what a process tells systemd of itself."""

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import sleep

import pytest
import uvicorn
from pytest import LogCaptureFixture
from shop.runtime.engine import systemd
from shop.runtime.http import draining
from shop.runtime.http.server import DrainingServer
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings

pytestmark = pytest.mark.usefixtures("no_settings")


class Listener:
    """Stands where systemd does."""

    def __init__(self, received: socket.socket) -> None:
        self._socket = received
        self.lines: list[str] = []

    def read(self) -> list[str]:
        """All lines so far."""
        with suppress(BlockingIOError):
            while True:
                self.lines += self._socket.recv(4096).decode().splitlines()
        return self.lines

    async def hears(self, line: str, count: int = 1) -> None:
        """Wait until a line has come so often."""
        async with asyncio.timeout(10):
            while self.read().count(line) < count:
                received = await asyncio.get_running_loop().sock_recv(self._socket, 4096)
                self.lines += received.decode().splitlines()


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """NOTIFY_SOCKET, and WatchdogSec=0.3."""
    # A short path: that of a socket has about a hundred characters at most.
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as received:
        path = Path(directory, "notify")
        received.bind(str(path))
        received.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "300000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        yield Listener(received)


def says(*problems: str | None) -> Callable[[], Awaitable[str | None]]:
    """What is wrong at each look, the last one from then on."""
    left = list(problems)

    async def health_problem() -> str | None:
        return left.pop(0) if len(left) > 1 else left[0]

    return health_problem


async def test_a_worker_says_that_it_serves_and_that_it_drains(definition: Service, listener: Listener) -> None:
    settings = make_settings(
        definition, resonate_url="http://127.0.0.1:9", health_port=0, shutdown_grace=timedelta(seconds=1)
    )
    serving = asyncio.create_task(definition.serve(settings, "workers"))
    await listener.hears(systemd.READY)
    await listener.hears("STATUS=not ready: the engine does not answer")
    await listener.hears(systemd.FED, 3)  # though it is not ready: a new process would be no better
    assert systemd.STOPPING not in listener.lines
    os.kill(os.getpid(), signal.SIGTERM)
    await listener.hears(systemd.STOPPING)
    await serving


async def test_the_api_says_that_it_serves_and_that_it_drains(definition: Service, listener: Listener) -> None:
    settings = make_settings(definition, resonate_url="http://127.0.0.1:9", shutdown_grace=timedelta(seconds=1))
    app = definition.api(settings)
    server = DrainingServer(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none"))
    serving = asyncio.create_task(server.serve())
    await listener.hears(systemd.READY)
    await listener.hears("STATUS=not ready: the engine does not answer")
    await listener.hears(systemd.FED, 2)
    server.handle_exit(signal.SIGTERM, None)
    await listener.hears(systemd.STOPPING)
    await serving
    draining.reset()
    assert listener.lines.count(systemd.READY) == listener.lines.count(systemd.STOPPING) == 1


async def test_a_blocked_event_loop_feeds_no_watchdog(listener: Listener) -> None:
    async with systemd.kept_informed(says(None)):
        await listener.hears(systemd.FED, 2)
        fed = listener.read().count(systemd.FED)
        sleep(0.4)  # noqa: ASYNC251 - the loop stands still
        assert listener.read().count(systemd.FED) == fed
        await listener.hears(systemd.FED, fed + 1)


async def test_a_look_that_hangs_keeps_no_food_back(listener: Listener) -> None:
    async def hangs() -> str | None:
        await asyncio.sleep(60)
        return None

    async with systemd.kept_informed(hangs):
        await listener.hears(systemd.FED, 3)


async def test_the_status_is_said_when_it_changes(listener: Listener) -> None:
    async with systemd.kept_informed(says(None, None, "the stream\nis down", "the stream\nis down", None)):
        await listener.hears("STATUS=ready", 2)
    statuses = [line for line in listener.lines if line.startswith("STATUS")]
    assert statuses == ["STATUS=ready", "STATUS=not ready: the stream is down", "STATUS=ready"]


async def test_without_systemd_nothing_is_told(monkeypatch: pytest.MonkeyPatch, caplog: LogCaptureFixture) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    before = asyncio.all_tasks()
    async with systemd.kept_informed(says(None)):
        assert asyncio.all_tasks() == before
    systemd.tell(systemd.READY)
    assert not caplog.records


def test_a_socket_that_is_gone_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: LogCaptureFixture) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/notify")
    systemd.tell(systemd.READY)
    assert "systemd cannot be told anything" in caplog.text


@pytest.mark.skipif(not Path("/proc/net/unix").exists(), reason="only Linux has an abstract namespace")
def test_an_address_in_the_abstract_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as received:
        received.bind(f"\0shop-{os.getpid()}")
        received.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@shop-{os.getpid()}")
        systemd.tell(systemd.READY, "STATUS=ready")
        assert received.recv(100) == b"READY=1\nSTATUS=ready"


@pytest.mark.parametrize(
    ("usec", "pid", "period"),
    [("60000000", None, 10), ("6000000", None, 2), ("6000000", "1", 10), ("0", None, 10), ("much", None, 10)],
)
def test_how_often(monkeypatch: pytest.MonkeyPatch, usec: str, pid: str | None, period: float) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if pid is not None:
        monkeypatch.setenv("WATCHDOG_PID", pid)
    assert systemd._period() == period
