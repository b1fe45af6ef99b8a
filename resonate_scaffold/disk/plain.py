"""Plain files and directories: read, written, synced and locked so that no link and no other program misleads."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from resonate_scaffold import systems
from resonate_scaffold.errors import (
    DiskError,
)
from resonate_scaffold.plan import Create

LOCK = ".resonate-scaffold.lock"
AGAIN = "Run the command again."
# A file system that has no hard links, or too many of this file, says one of these.
_NO_LINK = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EMLINK})
# What else can be at a path than a file of some content, or nothing.
NO_FILE = "not a file"
_CHUNK = 1 << 16


def read_file(path: str | Path) -> bytes:
    """The content of a plain file."""
    descriptor, size = _opened(str(path), os.O_RDONLY)
    try:
        content = os.read(descriptor, size + 1)  # a second call for each of thousands of files would show
        while len(content) != size:
            more = os.read(descriptor, size + 1)
            if not more:
                break
            content += more
    finally:
        os.close(descriptor)
    return content


def read_seen(path: str) -> bytes:
    """The content of what was seen to be a plain file. There may be thousands, and each call to the system shows."""
    descriptor = os.open(path, os.O_RDONLY | systems.ITSELF)
    try:
        content = part = os.read(descriptor, _CHUNK)
        while len(part) == _CHUNK:
            part = os.read(descriptor, _CHUNK)
            content += part
    finally:
        os.close(descriptor)
    return content


def read_plain(path: Path) -> bytes:
    """The content of a plain file: no link is followed, no pipe waited for, no device read.

    Raises:
        OSError: it is no plain file, or cannot be read.
    """
    return read_file(path)


def open_itself(name: str, flags: int, mode: int = 0o600) -> int:
    """Open a plain file: no link is followed, and no pipe waited for."""
    return _opened(name, flags, mode)[0]


def _opened(name: str, flags: int, mode: int = 0o600) -> tuple[int, int]:
    """Open a plain file, with its size."""
    descriptor = os.open(name, flags | systems.ITSELF, mode)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a plain file", name)
    return descriptor, status.st_size


def lstat(path: Path) -> os.stat_result | None:
    """What is at *path* itself, a link or not; None: nothing."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_kind(path: Path, kind: int) -> bool:
    """Whether *path* is a file (or directory, as *kind* says) and no link. What cannot be looked at is not."""
    with contextlib.suppress(PermissionError):
        status = lstat(path)
        return status is not None and stat.S_IFMT(status.st_mode) == kind
    return False


def in_the_way(path: PurePosixPath, status: os.stat_result) -> DiskError:
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        return DiskError(
            f"{path} is a symbolic link, which could lead out of the service",
            "Put there what it points to, then run the command again.",
        )
    kind = "a directory" if stat.S_ISDIR(mode) else "a file" if stat.S_ISREG(mode) else "a special file"
    return DiskError(f"{path} is {kind}", "Move it away, then run the command again.")


def link(source: Path, target: Path) -> None:
    """Give a file a second name; where the file system cannot, copy it.

    With a name of its own it survives that another file takes its place, with its times, owner and all.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        write_file(target, read_file(source), 0o600, sync=True)
        target.chmod(stat.S_IMODE(os.lstat(source).st_mode))


def write_file(path: Path, content: bytes, mode: int, sync: bool = False) -> None:
    """Write a new file; its mode is subject to the umask. With *sync* it also survives a power failure."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | systems.NO_LINK, mode)

    with open(path, "xb", opener=opener) as file:
        file.write(content)
        if sync:
            file.flush()
            os.fsync(file.fileno())


def mode_of(change: Create) -> int:
    return 0o600 if change.private else 0o777 if change.executable else 0o666


def write_output(path: Path, text: str, root: Path) -> None:
    """Write a file that the user named, in UTF-8: a new one, or in place of a plain one.

    Args:
        root: a project. Below it no link is followed; what lies elsewhere the user has chosen.

    Raises:
        DiskError: a link is in the way, something that is no file is there, or the operating system refused.
    """
    try:
        there = Path(os.path.abspath(path))  # noqa: PTH100 (links are looked at below)
        ancestors = list(there.parents)
        inside = next((number for number, it in enumerate(ancestors) if it.exists() and it.samefile(root)), 0)
        for part in (there, *ancestors[:inside]):
            status = lstat(part)
            if status is not None and stat.S_ISLNK(status.st_mode):
                raise DiskError(f"{part} is a symbolic link, which could lead anywhere", "Remove it, or name another.")
        descriptor = open_itself(str(there), os.O_WRONLY | os.O_CREAT, mode=0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.truncate()
            file.write(text)
    except OSError as error:
        error.filename = None  # the user's own spelling is shown
        raise DiskError.of(error, path) from error


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Clean up to the end, also if the user presses Ctrl-C again."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals go to the main thread
        return
    signals = [signal.SIGINT, signal.SIGTERM]
    previous = [signal.signal(number, signal.SIG_IGN) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, previous, strict=True):
            signal.signal(number, handler)
