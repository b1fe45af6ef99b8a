"""What differs between operating systems: the event loop, signals, processes, permissions, limits, sockets.

All of it is here, so that it can be read and tested in one place. Linux is where it runs; on Windows and macOS none of
this has ever run.
"""

import asyncio
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

IS_WINDOWS = sys.platform == "win32"

_STOP_SIGNALS = ("SIGTERM", "SIGINT", "SIGBREAK")
# Seconds of silence until the other side is asked whether it is there, between two such questions, and how many.
_KEEP_ALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPALIVE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


def new_event_loop() -> asyncio.AbstractEventLoop:
    """The event loop of a process: uvloop's where there is one, which takes less CPU than asyncio's own.

    On Windows, where there is no uvloop, one that selects: psycopg works on no other there.
    """
    if not IS_WINDOWS:
        with suppress(ImportError):
            loop: asyncio.AbstractEventLoop = import_module("uvloop").new_event_loop()
            return loop
    return asyncio.SelectorEventLoop()


def run_here[T](process: Coroutine[Any, Any, T]) -> T:
    """Run it to its end, in such a loop."""
    return asyncio.run(process, loop_factory=new_event_loop)


def uvicorn_loop() -> str:
    """The same, as uvicorn's option `loop` names it."""
    return f"{__name__}:new_event_loop" if IS_WINDOWS else "auto"


def call_on_stop_signals(act: Callable[[], None]) -> None:
    """Call ``act`` in the running loop on SIGTERM, Ctrl-C or Ctrl-Break, in the main thread."""
    loop = asyncio.get_running_loop()
    for number in stop_signals():
        try:
            loop.add_signal_handler(number, act)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(act))


def stop_signals() -> list[signal.Signals]:
    """The signals that ask a process to end."""
    return [getattr(signal, name) for name in _STOP_SIGNALS if hasattr(signal, name)]


def is_alive(pid: int) -> bool:
    """Whether a process runs."""
    if IS_WINDOWS:
        # `os.kill` would send it Ctrl-C. What cannot be opened is not there; what can be may have ended: wait no time.
        kernel, ended = import_module("ctypes").windll.kernel32, 0
        handle = kernel.OpenProcess(0x00100000, False, pid)  # SYNCHRONIZE
        if not handle:
            return False
        try:
            return bool(kernel.WaitForSingleObject(handle, 0) != ended)
        finally:
            kernel.CloseHandle(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def keep_private(path: Path) -> None:
    """Make a file, or one that is there, such that its owner alone can read it, and close an old one to strangers.

    What it cannot do is left to whoever opens the file. On Windows a file has the permissions of its directory.
    """
    if IS_WINDOWS:
        return
    # A file that is there is never opened here: closing it would end all locks that this process has on it (fcntl).
    with suppress(OSError):
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o007:
            path.chmod(0o600 if mode == 0o644 else mode & ~0o007)


def raise_file_limit() -> None:
    """Allow this process as many open files as the system lets it have: each connection is one."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limit; macOS refuses some values
        resource = import_module("resource")
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def keep_alive(connection: socket.socket) -> None:
    """Let a connection notice within a minute that the other side is gone, as far as the system can be told."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEP_ALIVE:
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
