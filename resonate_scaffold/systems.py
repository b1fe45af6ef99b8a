"""What differs between operating systems: locks, files, signals, processes, programs and the terminal.

All of it is here, so that it can be read and tested in one place: the tests set :data:`IS_WINDOWS` and look at what is
asked of the system. Linux is where it runs; on Windows and macOS none of this has ever run.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, TextIO, cast

if TYPE_CHECKING:
    import asyncio
    import socket

IS_WINDOWS = sys.platform == "win32"
IS_LINUX = sys.platform == "linux"

BINARY = getattr(os, "O_BINARY", 0)
"""For `os.open`: Windows would translate the ends of lines otherwise."""

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
"""For `os.open`: refuse a symbolic link. Windows has no such flag: there a link is only seen by `lstat` before."""

ITSELF = NO_LINK | BINARY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC"))
"""For `os.open`: what is there itself, no link followed, no pipe waited for, and not for child processes."""

_PATIENCE = 1.0  # Seconds in which another program may close a file that stands in the way.
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


# Files


def lock(file: IO[bytes]) -> bool:
    """Lock a file if nobody has it; the system releases it when this process ends, however it ends."""
    try:
        if IS_WINDOWS:
            windows = import_module("msvcrt")
            file.seek(0)
            windows.locking(file.fileno(), windows.LK_NBLCK, 1)
        else:
            unix = import_module("fcntl")
            unix.flock(file, unix.LOCK_EX | unix.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def close_to_remove(file: IO[bytes]) -> None:
    """Close a file that is about to be removed where an open one cannot be. It loses its lock by that."""
    if IS_WINDOWS:
        file.close()


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a power failure, where one can be opened."""
    if IS_WINDOWS:
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # some file systems do not know it
            raise
    finally:
        os.close(descriptor)


def replace(source: Path, target: Path) -> None:
    """Put a file in the place of another in one step. Windows refuses while another program reads it: wait a little."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            source.replace(target)
            return
        except PermissionError:
            if not IS_WINDOWS or time.monotonic() >= until:
                raise
            time.sleep(0.05)


def put_directory(source: Path, target: Path) -> None:
    """Put a directory at a path in one step. It takes an empty directory's place, and never a full one's."""
    if IS_WINDOWS and target.is_dir():
        target.rmdir()  # a rename replaces nothing there
    source.rename(target)


def is_own(status: os.stat_result) -> bool:
    """Whether a file belongs to the user, or to the one who became root by sudo. On Windows this is not known: yes."""
    if IS_WINDOWS:
        return True
    user = os.geteuid()
    return status.st_uid == user or (user == 0 and str(status.st_uid) == os.environ.get("SUDO_UID"))


def is_private(status: os.stat_result) -> bool:
    """Whether a file belongs to the user, and nobody else may read or write it. On Windows this is not known: yes."""
    return is_own(status) and (IS_WINDOWS or not stat.S_IMODE(status.st_mode) & 0o077)


# Programs and the terminal


def scripts(environment: str) -> Path:
    """Where a virtual environment keeps its programs."""
    return Path(environment, "Scripts" if IS_WINDOWS else "bin")


def program(name: str) -> str:
    """The file of a program."""
    return f"{name}.exe" if IS_WINDOWS else name


def speaks_posix() -> bool:
    """Whether a shell here knows `unset`."""
    return not IS_WINDOWS


def escape_unknown(stream: TextIO, errors: str) -> None:
    """Let a stream write what its encoding does not hold, such as a path in a terminal of another code page."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors=errors)


# Signals


def interrupt_on_sigterm() -> None:
    """Let SIGTERM clean up and end this process as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextlib.contextmanager
def on_stop_signals(act: Callable[[], None]) -> Iterator[None]:
    """Call ``act`` in the running loop on Ctrl-C, Ctrl-Break, SIGTERM or a closed terminal, unless that is ignored."""
    import asyncio

    loop = asyncio.get_running_loop()
    present = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")]
    numbers = [number for number in present if number and signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        try:
            loop.add_signal_handler(number, act)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(act))
    try:
        yield
    finally:
        for number, handler in before.items():
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler)


# Processes, each with those that it starts


def own_group() -> dict[str, Any]:
    """Arguments of `subprocess` for a process that can be ended with all that it starts."""
    if IS_WINDOWS:
        return {"creationflags": 0x200}  # CREATE_NEW_PROCESS_GROUP, which `subprocess` has on Windows alone
    return {"start_new_session": True, **({"preexec_fn": _end_with_parent()} if IS_LINUX else {})}


def end_group(transport: asyncio.SubprocessTransport) -> None:
    """Ask a process of :func:`own_group`, and all that it has started, to end."""
    if IS_WINDOWS:
        with contextlib.suppress(OSError):
            transport.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
    else:
        _signal_group(transport, signal.SIGTERM)


def kill_group(transport: asyncio.SubprocessTransport) -> None:
    """Kill it at once; on Windows the process alone."""
    if IS_WINDOWS:
        with contextlib.suppress(OSError):
            transport.kill()
    else:
        _signal_group(transport, signal.SIGKILL)


def group_lives(transport: asyncio.SubprocessTransport) -> bool:
    """Whether something of it runs still; on Windows nobody can tell: no."""
    return not IS_WINDOWS and _signal_group(transport, 0)


def _signal_group(transport: asyncio.SubprocessTransport, number: int) -> bool:
    try:
        os.killpg(transport.get_pid(), number)
    except (ProcessLookupError, PermissionError):  # macOS: EPERM when only zombies are left
        return False
    return True


class _Prctl(Protocol):
    def prctl(self, option: int, argument: int) -> int: ...


def _end_with_parent() -> Callable[[], None]:
    """What runs between fork and exec on Linux: ask for SIGTERM when this process dies, even by SIGKILL.

    Everything is looked up before the fork; the child only makes two system calls.
    """
    import ctypes

    libc = cast(_Prctl, ctypes.CDLL(None))
    parent, sigterm = os.getpid(), int(signal.SIGTERM)

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, sigterm)
        if os.getppid() != parent:  # it died before the request
            os._exit(1)

    return in_child


# Sockets


def take_closed_port(probe: socket.socket) -> None:
    """Let a socket bind a port that has just been closed. On Windows the option would allow one that is taken."""
    import socket

    if not IS_WINDOWS:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
