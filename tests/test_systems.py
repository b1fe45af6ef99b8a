"""`systems`: each difference between operating systems, simulated. On Windows and macOS none of it has ever run."""

import asyncio
import errno
import os
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import resonate_scaffold
from resonate_scaffold import install, systems
from resonate_scaffold.dev.network import usable_port
from resonate_scaffold.disk.plain import read_file, write_file


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "IS_WINDOWS", True)
    monkeypatch.setattr(systems, "IS_LINUX", False)


class Asked(list[Any]):
    """Notes what is asked of the system, and answers with an error where one is given."""

    def of(self, name: str, error: Exception | None = None) -> Callable[..., None]:
        def ask(*arguments: object) -> None:
            self.append((name, *arguments))
            if error is not None:
                raise error

        return ask


def test_what_differs_has_one_home() -> None:
    """Nothing else of the tool asks which system it is, or for what only some of them have."""
    differs = r"sys\.platform|os\.name\b|platform\.system|fcntl|msvcrt|killpg|geteuid|O_NOFOLLOW|O_BINARY|CTRL_BREAK"
    home = Path(str(resonate_scaffold.__file__)).parent
    found = [
        path.relative_to(home).as_posix()
        for path in sorted(home.rglob("*.py"))
        if path.name != "systems.py" and path.parent.name != "past" and re.search(differs, path.read_text("utf-8"))
    ]
    assert found == []


def test_every_text_says_its_encoding() -> None:
    """The default is the machine's, which is not UTF-8 everywhere."""
    home = Path(str(resonate_scaffold.__file__)).parent
    texts = r"\.(read_text|write_text)\((?![^)]*(utf-8|encoding))|text=True"
    found = [
        f"{path.relative_to(home).as_posix()}: {match[0]}"
        for path in sorted(home.rglob("*.py"))
        if path.parent.name != "past"
        for match in re.finditer(texts, path.read_text("utf-8"))
    ]
    assert found == []


# Files


def test_a_lock_is_taken_once(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("wb") as one, (tmp_path / "lock").open("wb") as other:
        assert systems.lock(one) and not systems.lock(other)


@pytest.mark.usefixtures("windows")
def test_a_lock_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It locks a byte, and says that another has it by PermissionError."""
    asked, free = Asked(), SimpleNamespace(LK_NBLCK=2)
    monkeypatch.setattr(systems, "import_module", {"msvcrt": free}.__getitem__)
    with (tmp_path / "lock").open("wb") as file:
        file.write(b"12")
        free.locking = asked.of("lock")
        assert systems.lock(file) and asked == [("lock", file.fileno(), 2, 1)] and file.tell() == 0
        free.locking = asked.of("lock", PermissionError(errno.EACCES, "taken"))
        assert not systems.lock(file)
        systems.close_to_remove(file)
        assert file.closed


def test_a_file_to_be_removed_keeps_its_lock_elsewhere(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("wb") as file:
        systems.close_to_remove(file)
        assert not file.closed


def test_a_directory_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file system can; on Windows no directory is opened."""
    asked = Asked()
    monkeypatch.setattr(os, "fsync", asked.of("sync", OSError(errno.EINVAL, "no such thing here")))
    systems.sync_directory(tmp_path)
    monkeypatch.setattr(os, "fsync", asked.of("sync", OSError(errno.EIO, "the disk is broken")))
    with pytest.raises(OSError, match="broken"):
        systems.sync_directory(tmp_path)
    monkeypatch.setattr(systems, "IS_WINDOWS", True)
    systems.sync_directory(tmp_path)
    assert len(asked) == 2


@pytest.mark.parametrize("is_windows", [True, False])
def test_a_file_that_is_read_just_now_is_replaced_a_little_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_windows: bool
) -> None:
    """Elsewhere a refusal is one."""
    monkeypatch.setattr(systems, "IS_WINDOWS", is_windows)
    (tmp_path / "new").write_bytes(b"new")
    replace, refusals = Path.replace, [PermissionError(errno.EACCES, "open")] * 2

    def refused_at_first(source: Path, target: Path) -> Path:
        if refusals:
            raise refusals.pop()
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", refused_at_first)
    if not is_windows:
        with pytest.raises(PermissionError):
            systems.replace(tmp_path / "new", tmp_path / "old")
        return
    systems.replace(tmp_path / "new", tmp_path / "old")
    assert read_file(tmp_path / "old") == b"new"
    refusals += [PermissionError(errno.EACCES, "open")] * 1000
    (tmp_path / "new").write_bytes(b"newer")
    monkeypatch.setattr(systems, "_PATIENCE", 0.1)
    began = time.monotonic()
    with pytest.raises(PermissionError):
        systems.replace(tmp_path / "new", tmp_path / "old")
    assert time.monotonic() - began < 5 and read_file(tmp_path / "old") == b"new"


@pytest.mark.usefixtures("windows")
def test_a_directory_takes_an_empty_ones_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def as_on_windows(source: Path, target: Path) -> Path:
        if target.exists():
            raise FileExistsError(errno.EEXIST, "there", str(target))
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", as_on_windows)
    for name in ("new", "empty", "full"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(OSError, match=r"(?i)not empty"):
        systems.put_directory(tmp_path / "new", tmp_path / "full")
    systems.put_directory(tmp_path / "new", tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full"]


def test_whose_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows nobody can tell by its mode or its owner."""
    write_file(tmp_path / "file", b"", 0o644)
    status = (tmp_path / "file").stat()
    assert systems.is_own(status) and not systems.is_private(status)
    monkeypatch.setattr(os, "geteuid", lambda: status.st_uid + 1)
    assert not systems.is_own(status)
    monkeypatch.setattr(systems, "IS_WINDOWS", True)
    monkeypatch.delattr(os, "geteuid")
    assert systems.is_own(status) and systems.is_private(status)


def test_a_link_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="symbolic links"):
        os.open(tmp_path / "link", os.O_RDONLY | systems.ITSELF)


# Programs and sockets


@pytest.mark.usefixtures("windows")
def test_programs_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".venv" / "Scripts").mkdir(parents=True)
    assert install.problem(tmp_path) == f"{tmp_path / '.venv' / 'Scripts' / 'python.exe'} is not there"
    (tmp_path / ".venv" / "Scripts" / "python.exe").touch()
    assert install.problem(tmp_path) is None
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.com")
    assert "unset" not in install.repeat_command("shop")


@pytest.mark.parametrize("is_windows", [True, False])
def test_a_port_that_is_taken_is_not_used(monkeypatch: pytest.MonkeyPatch, is_windows: bool) -> None:
    asked = Asked()
    monkeypatch.setattr(systems, "IS_WINDOWS", is_windows)
    monkeypatch.setattr(socket.socket, "setsockopt", lambda self, *arguments: asked.append(arguments))
    assert usable_port("0") > 0
    assert asked == [] if is_windows else asked == [(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)]


# Signals and processes


@pytest.mark.parametrize("has_handlers", [True, False])
def test_a_stop_signal_reaches_the_loop(monkeypatch: pytest.MonkeyPatch, has_handlers: bool) -> None:
    """On Windows the loop takes no handlers. What was there before is put back, and what is ignored stays so."""
    if not has_handlers:
        for name in ("add_signal_handler", "remove_signal_handler"):
            monkeypatch.setattr(asyncio.SelectorEventLoop, name, Asked().of(name, NotImplementedError()))

    async def run() -> None:
        stopped = asyncio.Event()
        with systems.on_stop_signals(stopped.set):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.05)
            assert not stopped.is_set()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(stopped.wait(), 5)

    before, hangup = signal.getsignal(signal.SIGTERM), signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        asyncio.run(run())
        assert signal.getsignal(signal.SIGTERM) == before
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, hangup)


class Transport:
    """A process as asyncio knows it, which notes what it is asked; each signal raises ``error``."""

    def __init__(self, error: OSError | None = None) -> None:
        self.asked = Asked()
        self.send_signal = self.asked.of("signal", error)
        self.kill = self.asked.of("kill", error)

    def get_pid(self) -> int:
        return 4711


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize("error", [None, ProcessLookupError()])
def test_a_process_of_windows_is_ended(monkeypatch: pytest.MonkeyPatch, error: OSError | None) -> None:
    """By Ctrl-Break, which reaches all of its group; harmless where it has ended."""
    monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    monkeypatch.delattr(os, "killpg")
    transport: Any = Transport(error)
    systems.end_group(transport)
    systems.kill_group(transport)
    assert transport.asked == [("signal", 1), ("kill",)]
    assert not systems.group_lives(transport)
    assert systems.own_group() == {"creationflags": 0x200}


@pytest.mark.parametrize("gone", [ProcessLookupError(), PermissionError()])
def test_a_group_of_which_only_zombies_are_left_is_gone(monkeypatch: pytest.MonkeyPatch, gone: OSError) -> None:
    """macOS says PermissionError of it, and has nothing that ends a child with its parent."""
    asked, transport = Asked(), Transport()
    monkeypatch.setattr(os, "killpg", asked.of("signal", gone))
    assert not systems.group_lives(transport)  # type: ignore[arg-type]
    systems.end_group(transport)  # type: ignore[arg-type]
    assert asked == [("signal", 4711, 0), ("signal", 4711, signal.SIGTERM)]
    monkeypatch.setattr(systems, "IS_LINUX", False)
    assert systems.own_group() == {"start_new_session": True}
