"""The questions that are open in any run of this service.

No engine finds them by one request. So the trees of the newest runs that have not ended are read, and of each is kept
what it waits for: a question that is open is asked for by its id alone, and a run that waits for something else is read
again the later, the older it is.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from ..durable.gate import Gate
from ..durable.questions import Question, open_questions
from ..engine.client import EngineClient
from ..engine.run_list import list_runs
from ..engine.run_status import Status
from ..engine.run_tree import find_tree
from ..engine.runs import Run, RunQuery

MOST_RUNS = 100
"""Runs that are looked at, the newest first."""

FRESH = 1.0
"""Seconds for which an answer is given again to others who ask."""

_IN_FLIGHT = 8
_SOONEST, _LATEST = 1.0, 30.0  # Seconds until a run that asks nothing is read again.
_SHARE_OF_AGE = 0.1


@dataclass(slots=True)
class _Read:
    questions: list[Question]
    again_at: float


class OpenQuestions:
    """Reads them for all who look at this console."""

    def __init__(self, gates: Mapping[str, Gate[Any]]) -> None:
        self._gates = gates
        self._reads: dict[str, _Read] = {}
        self._lock = asyncio.Lock()
        self._turns = asyncio.Semaphore(_IN_FLIGHT)
        self._found: list[Question] = []
        self._is_cut = False
        self._fresh_until = 0.0

    async def find(self, client: EngineClient) -> tuple[list[Question], bool]:
        """The questions, the oldest first, and whether there are runs that were not looked at.

        Raises:
            OperatorError: the engine does not list runs.
            EngineUnavailable: it does not answer.
        """
        async with self._lock:
            if monotonic() >= self._fresh_until:
                page = await list_runs(client, RunQuery(status=Status.RUNNING, limit=MOST_RUNS))
                reads = await asyncio.gather(*(self._of_run(client, run) for run in page.runs))
                self._reads = {run.id: read for run, read in zip(page.runs, reads, strict=True)}
                self._found = sorted((it for read in reads for it in read.questions), key=lambda it: it.asked_at)
                self._is_cut = page.next_cursor is not None
                self._fresh_until = monotonic() + FRESH
            return self._found, self._is_cut

    def forget(self, run: str) -> None:
        """Read a run again: somebody has answered."""
        self._reads.pop(run, None)
        self._fresh_until = 0.0

    async def _of_run(self, client: EngineClient, run: Run) -> _Read:
        async with self._turns:
            known = self._reads.get(run.id)
            if known is not None and known.questions:
                asked = [await client.find(question.id) for question in known.questions]
                if all(record is not None and record.state == "pending" for record in asked):
                    return known
            elif known is not None and monotonic() < known.again_at:
                return known
            tree = await find_tree(client, run.id)
            found = await open_questions(client, tree, self._gates) if tree is not None else []
            age = client.clock.now_ms() / 1000 - run.began_at.timestamp()
            return _Read(found, monotonic() + min(max(age * _SHARE_OF_AGE, _SOONEST), _LATEST))
