"""A new journal, written in the place of one that has grown, while requests go on.

It holds the state as it was when the compaction began, and after that what the old journal has been told since. So a
family that is about to change is written first; the others follow in small steps. What ended long ago is left out, and
leaves the state, too.
"""

from __future__ import annotations

import contextlib
import os
import time

from resonate_scaffold.devserver.entries import FORMAT, Entry, Header, ScheduleEntry, encode, entries_of, has_ended
from resonate_scaffold.devserver.journal import Journal, open_private
from resonate_scaffold.devserver.protocol import State

#: What ended longer ago than this is forgotten.
KEEP_FINISHED_MS = 7 * 24 * 3600 * 1000


class Compaction:
    """One that is under way. Every method may raise OSError: `abandon` it then."""

    def __init__(self, journal: Journal, state: State, now: int) -> None:
        self._journal, self._state = journal, state
        self._forget_before = now - KEEP_FINISHED_MS
        self._beside = journal.path.with_name(journal.path.name + ".new")
        self._told = journal.size  # what comes after this in the old journal comes after this state
        self._left = state.roots()
        self._unsaved = set(self._left)
        self._file = open_private(self._beside, os.O_TRUNC)
        self._error: OSError | None = None
        self.is_written = False
        self.is_synced = False
        state.before_change = self._save_first
        self._write(Header(format=FORMAT, now=now), *map(ScheduleEntry, state.schedules.values()))

    def step(self, seconds: float) -> None:
        """Write for about this long; then, or later, everything `is_written`."""
        deadline = time.perf_counter() + seconds
        while self._left and time.perf_counter() < deadline:
            root = self._left.pop()
            if root not in self._unsaved:
                continue
            if has_ended(self._state, root, self._forget_before):
                self._unsaved.discard(root)
                self._state.forget(root)
            else:
                self._state.pack(root)
                self._save(root)
        if self._error is not None:
            raise self._error
        if not self._left:
            self._file.flush()
            self._state.before_change = None
            self.is_written = True

    def sync(self) -> None:
        """Make it survive a power cut. Blocks for as long as the disk takes; nothing else is done to it meanwhile."""
        os.fsync(self._file.fileno())
        self.is_synced = True

    def finish(self) -> None:
        """Add what happened since it began, and put it in the old journal's place."""
        with self._journal.path.open("rb") if self._told else contextlib.nullcontext() as old:
            if old is not None:
                old.seek(self._told)
                while block := old.read(1 << 20):
                    self._file.write(block)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._journal.replace(self._beside)

    def abandon(self) -> None:
        """Leave the old journal as it is, and no half of a new one: it would take the room that is left."""
        self._state.before_change = None
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._beside.unlink(missing_ok=True)

    def _save_first(self, root: str) -> None:
        if root in self._unsaved:
            try:
                self._save(root)
            except OSError as error:  # The request that is at fault for nothing goes on; the next step tells.
                self._error = error

    def _save(self, root: str) -> None:
        self._unsaved.discard(root)
        self._write(*entries_of(self._state, root))

    def _write(self, *entries: Entry) -> None:
        for entry in entries:
            self._file.write(encode(entry) + b"\n")
