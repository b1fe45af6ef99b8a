"""Poison runs, which end their process (`os._exit` in a C library, memory): found, run alone, and at last put aside.

The engine offers such a run again whenever its lease ends, and each time all else that runs in its process is lost, too.
How often a run was taken says little: a workflow is taken at each wake. So one that was taken `SUSPECT_AFTER` times
leaves a note in the engine while it runs, which is settled however the run ends. A note that is still open was left by
a process that ended. In a process that has just begun, perhaps in the place of one that ended so, each run leaves one
that another process has had before.

A run with such notes waits until it is the only one of its kind here, so that what ran beside it is cleared of
suspicion; and after `MOST_CRASHES` of them it fails.
"""

import asyncio
import heapq
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from resonate.error import ServerError

from ..errors import EngineUnavailable, Failure
from .places import pause_without_place
from .run_tags import EXTERNAL

if TYPE_CHECKING:
    from .client import EngineClient
    from .offers import Taken

logger = logging.getLogger(__name__)

SUSPECT_AFTER = 3
"""Times that a run was taken before, from which on it leaves notes in any process."""

MOST_CRASHES = 3
"""Notes that are open, one after the other, after which a run is put aside."""

_LOOK_BACK = 4  # While a suspect waits for its turn it leaves no note.
_REMEMBERED = 10_000


class Suspects:
    """The suspects of one worker. What its predecessor had is offered to it within a ``lease``."""

    def __init__(self, lease: timedelta) -> None:
        self._is_young_until = monotonic() + 2 * lease.total_seconds()
        self._notes: dict[str, EngineClient] = {}
        self._ended: OrderedDict[str, int] = OrderedDict()
        self._turns: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = 0
        self._is_running = False

    @asynccontextmanager
    async def watched(self, client: "EngineClient", run: "Taken", name: str) -> AsyncIterator[None]:
        """Leave a note while a suspect runs.

        Raises:
            Failure: it has ended its process too often (code ``crashes-worker``).
            PlatformError: it waits for its turn, and the process stops.
        """
        engine_id, before = run.promise.id, run.begun_before
        crashes = 0
        was_here = self._ended.pop(engine_id, None) == before - 1
        is_suspect = not was_here and (before >= SUSPECT_AFTER or (before > 0 and monotonic() < self._is_young_until))
        if is_suspect:
            with suppress(EngineUnavailable, ServerError):
                crashes = await find_crashes(client, engine_id, before)
        if crashes >= MOST_CRASHES:
            logger.error("%s is put aside: %d processes ended while it ran", name, crashes, extra={"job": engine_id})
            job = client.namespace.local_id(run.promise.tags.get("resonate:origin", engine_id))
            message = (
                f"{name} is put aside: its process ended {crashes} times in a row while it ran. Once that is mended,"
            )
            message += f" `runs retry {job}` starts it again"
            raise Failure(message, code="crashes-worker", status=500)
        if crashes:
            await self._wait_for_turn(crashes)
        note = _note(engine_id, before)
        try:
            if is_suspect:
                await self._leave(client, note, run, crashes)
            yield
        finally:
            if crashes:
                self._end_turn()
            await self._settle(note)
            self._ended[engine_id] = before
            if len(self._ended) > _REMEMBERED:
                self._ended.popitem(last=False)

    async def close(self) -> None:
        """Settle all notes: the process is about to end by itself, and what still runs is not to blame."""
        await asyncio.gather(*[self._settle(note) for note in list(self._notes)])

    async def _leave(self, client: "EngineClient", note: str, run: "Taken", crashes: int) -> None:
        with suppress(EngineUnavailable, ServerError):
            kept = {"run": run.promise.id, "crashes": crashes}
            await client.create(note, kept, run.promise.timeout_at, EXTERNAL)
            self._notes[note] = client

    async def _settle(self, note: str) -> None:
        if client := self._notes.pop(note, None):
            with suppress(EngineUnavailable, ServerError):
                await client.resolve(note, None)

    async def _wait_for_turn(self, crashes: int) -> None:
        """Wait until no other run with open notes goes on here; the least suspicious is the first."""
        if self._is_running:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._number += 1
            heapq.heappush(self._turns, (crashes, self._number, turn))
            await pause_without_place(turn)
        self._is_running = True

    def _end_turn(self) -> None:
        self._is_running = False
        while self._turns and not self._is_running:
            _, _, turn = heapq.heappop(self._turns)
            if not turn.done():
                self._is_running = True
                turn.set_result(None)


async def find_crashes(client: "EngineClient", engine_id: str, before: int) -> int:
    """How many processes have ended with a run, one after the other, when it had been taken ``before`` times."""
    for earlier in range(before - 1, max(before - 1 - _LOOK_BACK, -1), -1):
        found = await client.find(_note(engine_id, earlier))
        if found is not None:
            kept: Any = found.param.data
            return int(kept["crashes"]) + 1 if found.state == "pending" else 0
    return 0


def _note(engine_id: str, before: int) -> str:
    return f"suspect/{uuid5(NAMESPACE_OID, engine_id)}/{before}"
