"""The journal: what has happened, one JSON line each, so that a restart loses nothing.

A file holds a header, a snapshot (promises, tasks, schedules), and then every request and tick since. The
state is a deterministic function of these. Opening compacts: the state so far becomes the snapshot of a new
file that replaces the old one in one step.

What is promised: an entry is with the operating system before its request is answered, so killing the engine
loses nothing that was acknowledged. `sync` makes it survive a power cut too; the engine calls it about once a
second, off the request path. A last line without its end was never acknowledged and is dropped; anything else
that cannot be read is an error naming the line, not a guess.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from resonate_scaffold.devserver.errors import EngineError
from resonate_scaffold.devserver.past import FORMAT as PAST_FORMAT, Past
from resonate_scaffold.devserver.protocol import Promise, Refused, Schedule, State, apply, parse, tick
from resonate_scaffold.devserver.protocol.requests import root_of

logger = logging.getLogger(__name__)

FORMAT = 2

#: What ended longer ago than this is left out when the journal is compacted.
KEEP_FINISHED_MS = 7 * 24 * 3600 * 1000


class Header(msgspec.Struct, tag="journal", tag_field="entry"):
    """The first line; `now` is the engine's clock (ms) when the file was written."""

    format: int
    now: int


class PromiseEntry(msgspec.Struct, tag="promise", tag_field="entry"):
    """A promise with its task; `deadline` is the task's."""

    promise: Promise
    deadline: int | None


class ScheduleEntry(msgspec.Struct, tag="schedule", tag_field="entry"):
    schedule: Schedule


class RequestEntry(msgspec.Struct, tag="request", tag_field="entry"):
    now: int
    kind: str
    data: msgspec.Raw


class TickEntry(msgspec.Struct, tag="tick", tag_field="entry"):
    now: int


type Entry = Header | PromiseEntry | ScheduleEntry | RequestEntry | TickEntry

_decode = msgspec.json.Decoder[Entry](Header | PromiseEntry | ScheduleEntry | RequestEntry | TickEntry).decode
_decode_header = msgspec.json.Decoder(Header).decode
_encode = msgspec.json.Encoder().encode


def snapshot(state: State, now: int) -> Iterator[Entry]:
    """The entries that make an empty state equal to `state`, but for what ended long ago."""
    yield Header(format=FORMAT, now=now)
    ended = _ended_roots(state, now - KEEP_FINISHED_MS)
    for promise in state.promises.values():
        if root_of(promise.id) not in ended:
            yield PromiseEntry(promise, state.task_deadlines.get(promise.id))
    for schedule in state.schedules.values():
        yield ScheduleEntry(schedule)


class Damaged(Exception):
    """A line that cannot stand where it does."""


def replay(state: State, entry: Entry, *, is_first: bool = False) -> int | None:
    """Let what an entry says happen to `state`; the time that it tells, if it does."""
    if is_first != isinstance(entry, Header):
        raise Damaged("a journal begins with its header, and has only one")
    match entry:
        case Header(now=now):
            return now
        case PromiseEntry(promise, deadline):
            state.add(promise)
            if deadline is not None:
                state.task_deadlines.set(promise.id, deadline)
        case ScheduleEntry(schedule):
            state.add_schedule(schedule)
        case RequestEntry(now, kind, data):
            with contextlib.suppress(Refused):
                apply(state, now, parse(kind, data))
            return now
        case TickEntry(now):
            tick(state, now)
            return now
    return None


def _ended_roots(state: State, before: int) -> set[str]:
    """The roots that ended before this time (ms), with all that began under them.

    A promise that is nobody's task keeps nothing alive once its root has ended: such is what a gate waited for.
    """
    last_end: dict[str, int] = {}
    alive: set[str] = set()
    for promise in state.promises.values():
        root, at = root_of(promise.id), promise.record.settled_at
        if at is not None:
            last_end[root] = max(last_end.get(root, 0), at)
        elif promise.task is not None or promise.id == root or root not in state.promises:
            alive.add(root)
    return {root for root, at in last_end.items() if at < before and root not in alive}


class Journal:
    """An append-only file that one engine owns, from construction to `close`.

    Raises EngineError when the file cannot be used, or another engine uses it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._size = 0
        self._unsynced = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(path.with_name(path.name + ".lock"))
        except OSError as error:
            raise self._unusable(error) from error

    def read(self, state: State) -> int:
        """Let everything on file happen to `state`; the time of the last of it, 0 when there is no file.

        Raises EngineError at what cannot be read.
        """
        last, past = 0, None
        for number, line in enumerate(self._lines(), start=1):
            try:
                if number == 1:
                    past = self._past(line)
                now = past.replay(state, line) if past else replay(state, _decode(line), is_first=number == 1)
            except (msgspec.DecodeError, UnicodeDecodeError, Damaged) as error:
                raise self._unreadable(number, str(error)) from error
            last = now or last
        return last

    def _past(self, line: bytes) -> Past | None:
        """A reader for the format that the first line names; None when it is today's."""
        header = _decode_header(line)
        if header.format not in (FORMAT, PAST_FORMAT):
            raise Damaged(f"format {header.format}, this version writes {FORMAT}")
        return Past() if header.format == PAST_FORMAT else None

    def _lines(self) -> Iterator[bytes]:
        """The finished lines of the file, one at a time: a journal may be larger than the state it leads to."""
        try:
            with self.path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        yield line
                    else:
                        logger.warning("%s: dropped an unfinished last line (%d bytes)", self.path, len(line))
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unusable(error) from error

    def replace(self, entries: Iterable[Entry]) -> None:
        """Put a new file of these entries in place of the old, in one step, and append to it from now on."""
        beside = self.path.with_name(self.path.name + ".new")
        try:
            with _open_private(beside, os.O_TRUNC) as file:
                for entry in entries:
                    file.write(_encode(entry) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            self._close_file()
            beside.replace(self.path)
            # O_APPEND and unbuffered: one write call an entry, at the end, whatever else happens.
            flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(self.path, flags)
            self._size = self.path.stat().st_size
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)  # on a full disk, half a journal would take the room that is left
            raise self._unusable(error) from error

    def append(self, entry: RequestEntry | TickEntry) -> None:
        """Hand one entry to the operating system. OSError (a full disk, say) leaves the file as it was."""
        assert self._file is not None, "replace() comes first"
        line = _encode(entry) + b"\n"
        try:
            written = os.write(self._file, line)
            if written != len(line):
                raise OSError(f"{self.path}: wrote {written} of {len(line)} bytes")
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)
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

    def _unusable(self, error: OSError) -> EngineError:
        if isinstance(error, BlockingIOError | PermissionError) and error.filename is None:
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


def _open_private(path: Path, flags: int) -> BinaryIO:
    """Open for writing, for this user alone: the arguments of somebody's jobs are in there."""
    flags |= os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _lock(path: Path) -> BinaryIO:
    """Lock a file for as long as it stays open; the system unlocks it however this process ends.

    A file of its own, since the journal itself is replaced. OSError without a file name when it is taken.
    """
    file = _open_private(path, 0)
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file
