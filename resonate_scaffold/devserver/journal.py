"""The journal: what has happened, one JSON line each, so that a restart loses nothing.

A file holds a header, a snapshot (schedules, and promises with their tasks), and then every request and tick since. The
state is a deterministic function of these. `compaction` puts a new file in place of one that has grown.

What is promised: an entry is with the operating system before its request is answered, so killing the engine
loses nothing that was acknowledged. `sync` makes it survive a power cut too; the engine calls it about once a
second, off the request path. A last line without its end was never acknowledged and is dropped; anything else
that cannot be read is an error naming the line, not a guess.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from resonate_scaffold import systems
from resonate_scaffold.devserver.entries import (
    FORMAT,
    Damaged,
    RequestEntry,
    ResumeEntry,
    TickEntry,
    decode,
    decode_header,
    encode,
    replay,
)
from resonate_scaffold.devserver.errors import EngineError
from resonate_scaffold.devserver.past import FORMAT as PAST_FORMAT, Past
from resonate_scaffold.devserver.protocol import State

logger = logging.getLogger(__name__)


class Journal:
    """An append-only file that one engine owns, from construction to `close`.

    Raises EngineError when the file cannot be used, or another engine uses it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: Bytes that are good.
        self.size = 0
        #: Whether what was read can be added to: there was a file, of today's format.
        self.is_current = False
        self._file: int | None = None
        self._unsynced = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(path.with_name(path.name + ".lock"))
        except OSError as error:
            raise self.unusable(error) from error

    def read(self, state: State) -> int:
        """Let everything on file happen to `state`; the time of the last of it, 0 when there is no file.

        Raises EngineError at what cannot be read.
        """
        last, past = 0, None
        for number, line in enumerate(self._lines(), start=1):
            try:
                if number == 1:
                    past = self._past(line)
                now = past.replay(state, line) if past else replay(state, decode(line), is_first=number == 1)
            except (msgspec.DecodeError, UnicodeDecodeError, Damaged) as error:
                raise self._unreadable(number, str(error)) from error
            last = now or last
        self.is_current = last > 0 and past is None
        return last

    def _past(self, line: bytes) -> Past | None:
        """A reader for the format that the first line names; None when it is today's."""
        header = decode_header(line)
        if header.format not in (FORMAT, PAST_FORMAT):
            raise Damaged(f"format {header.format}, this version writes {FORMAT}")
        return Past() if header.format == PAST_FORMAT else None

    def _lines(self) -> Iterator[bytes]:
        """The finished lines of the file, one at a time: a journal may be larger than the state it leads to."""
        self.size = 0
        try:
            with self.path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        self.size += len(line)
                        yield line
                    else:
                        logger.warning("%s: dropped an unfinished last line (%d bytes)", self.path, len(line))
        except FileNotFoundError:
            return
        except OSError as error:
            raise self.unusable(error) from error

    def go_on(self, now: int) -> None:
        """Add to what was read, from now on."""
        try:
            self._open()
            self.append(ResumeEntry(now))
        except OSError as error:
            raise self.unusable(error) from error

    def replace(self, new: Path) -> None:
        """Put another file in place of this one, in one step, and add to that from now on. OSError."""
        self._close_file()
        try:
            systems.replace(new, self.path)
            self.size = self.path.stat().st_size
        finally:
            self._open()

    def _open(self) -> None:
        # O_APPEND and unbuffered: one write call an entry, at the end, whatever else happens.
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | systems.BINARY)
        os.ftruncate(self._file, self.size)

    def append(self, entry: RequestEntry | TickEntry | ResumeEntry) -> None:
        """Hand one entry to the operating system. OSError (a full disk, say) leaves the file as it was."""
        assert self._file is not None, "go_on() or a compaction comes first"
        line = encode(entry) + b"\n"
        try:
            written = os.write(self._file, line)
            if written != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        except OSError:
            os.ftruncate(self._file, self.size)
            raise
        self.size += len(line)
        self._unsynced = True

    def sync(self) -> None:
        """Make what was appended survive a power cut. Blocks for as long as the disk takes."""
        if not self._unsynced or self._file is None:
            return
        self._unsynced = False
        # A descriptor of its own: this runs beside the event loop, which may close the file meanwhile.
        own = os.dup(self._file)
        try:
            os.fsync(own)
        finally:
            os.close(own)

    def close(self) -> None:
        """Sync, close and let the next engine have the file. May be called twice."""
        with contextlib.suppress(OSError):  # what cannot be synced now is with the operating system all the same
            self.sync()
        self._close_file()
        self._lock.close()

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def unusable(self, error: OSError) -> EngineError:
        """What to tell of an error with the file."""
        if isinstance(error, BlockingIOError) and error.filename is None:
            return EngineError(
                f"the journal {self.path} is in use by another engine",
                "stop that engine, or name another file with --journal",
            )
        return EngineError(
            f"the journal {self.path} cannot be used: {error.strerror or error}",
            "name a file that can be written with --journal",
        )

    def _unreadable(self, number: int, why: str) -> EngineError:
        return EngineError(
            f"the journal is damaged: {self.path}, line {number}: {why}",
            "restore the file from a copy, or move it away to begin with an empty engine",
        )


def open_private(path: Path, flags: int) -> BinaryIO:
    """Open for writing, for this user alone: the arguments of somebody's jobs are in there."""
    flags |= os.O_WRONLY | os.O_CREAT | systems.BINARY
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _lock(path: Path) -> BinaryIO:
    """Lock a file for as long as it stays open; the system unlocks it however this process ends.

    A file of its own, since the journal itself is replaced. OSError without a file name when it is taken.
    """
    file = open_private(path, 0)
    try:
        if not systems.lock(file):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    except OSError:
        file.close()
        raise
    return file
