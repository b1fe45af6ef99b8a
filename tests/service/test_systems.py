"""`systems`: each difference between operating systems, simulated. On Windows and macOS none of it has ever run."""

import asyncio
import os
import re
import signal
import socket
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from shop.runtime import systems
from shop.runtime.service import Service


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "IS_WINDOWS", True)


def test_what_differs_has_one_home(definition: Service) -> None:
    """Nothing else of the runtime asks which system it is; and every text says its encoding."""
    differs = r"sys\.platform|os\.name\b|platform\.system|os\.kill\b|SO_KEEPALIVE|add_signal_handler|import resource\b"
    texts = r"\.(read_text|write_text)\((?![^\n]*(utf-8|encoding))|text=True"
    runtime = definition.directory / "runtime"
    found = [
        f"{path.relative_to(runtime).as_posix()}: {match[0]}"
        for path in sorted(runtime.rglob("*.py"))
        if path.name != "systems.py"
        for match in re.finditer(f"{differs}|{texts}", path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.usefixtures("windows")
def test_the_loop_of_windows_is_one_that_psycopg_works_on() -> None:
    assert systems.run_here(_own_loop()) is asyncio.SelectorEventLoop
    config = uvicorn.Config("shop:app", loop=systems.uvicorn_loop())
    factory = config.get_loop_factory()
    assert factory is systems.new_event_loop


async def _own_loop() -> type[asyncio.AbstractEventLoop]:
    return type(asyncio.get_running_loop())


@pytest.mark.parametrize("is_there", [True, False])
def test_the_loop_elsewhere(monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    """uvloop's, where it is installed."""

    def find(name: str) -> Any:
        if name == "uvloop" and not is_there:
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(systems, "import_module", find)
    name = systems.run_here(_own_loop()).__module__.partition(".")[0]
    assert name == ("uvloop" if is_there else "asyncio")


@pytest.mark.parametrize("takes_handlers", [True, False])
def test_a_stop_signal_reaches_the_loop(monkeypatch: pytest.MonkeyPatch, takes_handlers: bool) -> None:
    """On Windows the loop takes no handlers of signals."""
    monkeypatch.setattr(systems, "IS_WINDOWS", True)  # For a loop of asyncio's own.

    def refuse(*_: object) -> None:
        raise NotImplementedError

    if not takes_handlers:
        monkeypatch.setattr(asyncio.SelectorEventLoop, "add_signal_handler", refuse)

    async def run() -> None:
        stopped = asyncio.Event()
        systems.call_on_stop_signals(stopped.set)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stopped.wait(), 5)

    before = {number: signal.getsignal(number) for number in systems.stop_signals()}
    try:
        systems.run_here(run())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_ctrl_break_is_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert systems.stop_signals() == [signal.SIGTERM, signal.SIGINT]
    monkeypatch.setattr(signal, "SIGBREAK", 21, raising=False)
    assert systems.stop_signals() == [signal.SIGTERM, signal.SIGINT, 21]


def test_whether_a_process_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    assert systems.is_alive(os.getpid())
    for error, lives in ((ProcessLookupError(), False), (PermissionError(), True)):
        monkeypatch.setattr(os, "kill", _raiser(error))
        assert systems.is_alive(4711) is lives


def _raiser(error: Exception) -> Any:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(("handle", "waited", "lives"), [(0, None, False), (9, 0, False), (9, 258, True)])
def test_a_process_of_windows(monkeypatch: pytest.MonkeyPatch, handle: int, waited: int | None, lives: bool) -> None:
    """`os.kill` would send it Ctrl-C."""
    closed: list[int] = []
    kernel = SimpleNamespace(
        OpenProcess=lambda access, inherits, pid: handle if pid == 4711 else 0,
        WaitForSingleObject=lambda opened, milliseconds: waited,
        CloseHandle=closed.append,
    )
    known = {"ctypes": SimpleNamespace(windll=SimpleNamespace(kernel32=kernel))}
    monkeypatch.setattr(systems, "import_module", known.__getitem__)
    monkeypatch.setattr(os, "kill", _raiser(AssertionError("it was sent a signal")))
    assert systems.is_alive(4711) is lives
    assert closed == ([handle] if handle else [])


def test_a_file_is_private_where_that_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systems.keep_private(tmp_path / "here")
    assert (tmp_path / "here").stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(systems, "IS_WINDOWS", True)
    systems.keep_private(tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("error", [ImportError(), ValueError(), OSError()])
def test_a_limit_that_cannot_be_raised_stays(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Windows has none, and macOS refuses some values."""
    asked: list[str] = []

    def find(name: str) -> Any:
        asked.append(name)
        raise error

    monkeypatch.setattr(systems, "import_module", find)
    systems.raise_file_limit()
    assert asked == ["resource"]


def test_a_connection_is_kept_alive_by_what_the_system_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has another name for the time of silence."""
    monkeypatch.delattr(socket, "TCP_KEEPIDLE", raising=False)
    monkeypatch.delattr(socket, "TCP_KEEPCNT", raising=False)
    monkeypatch.setattr(socket, "TCP_KEEPALIVE", 16, raising=False)
    monkeypatch.setattr(socket, "TCP_KEEPINTVL", 257, raising=False)
    set_: list[tuple[int, int, int]] = []
    systems.keep_alive(SimpleNamespace(setsockopt=lambda *option: set_.append(option)))  # type: ignore[arg-type]
    assert set_ == [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, 16, 30),
        (socket.IPPROTO_TCP, 257, 10),
    ]
