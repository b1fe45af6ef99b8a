"""Runs that the deployed code cannot go on with. They are held back, not failed: the deployment is wrong, and not the job.

A worker that does not know a function, cannot read what was recorded, or makes other calls than were recorded, hands the
run back and takes it again after a pause that grows. Meanwhile a worker with code that fits may take it. Which run it
is and why stand in readiness, in a log line once a minute, and in a note in the engine, which the job's own answer reads.

A function that is not known here may be one of the next release, which other workers have already: its runs are kept for
a moment and handed back, and readiness says nothing of them for a minute.
"""

import logging
import random
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from pydantic import ValidationError
from resonate.error import (
    Base64DecodeError,
    FunctionNotFoundError,
    PlatformError,
    ResonateError,
    SerializationError,
    ServerError,
)
from resonate.types import PromiseRecord

from ..errors import EngineUnavailable
from ..telemetry import metrics
from .call_names import function_of
from .run_tags import EXTERNAL

if TYPE_CHECKING:
    from .client import EngineClient

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0
"""Seconds between two tries of a run at most; the first is 1 s."""

REPEAT = 60.0
"""Seconds between two log lines about the same problem."""

UNSERVED_AFTER = 60.0
"""Seconds in which a run of a function that is not known here was offered again and again: nobody else knows it either."""

_FIRST_STAY, _LONGEST_STAY, _GROWTH = 0.05, 4.0, 1.3
# The engine offers what is handed back at once, to any worker of the group. In 3 s it is offered a dozen times.

NOTES = "misfit/"
"""Begins the local ids of the notes."""

_FORGOTTEN_AFTER = 300.0  # Seconds in which it was not offered again: another worker has it.
_MOST_NOTES = 20


class DoesNotFit(ResonateError):
    """What was recorded does not fit this code; the text says what and where."""


def does_not_fit(problem: str) -> PlatformError:
    """What to raise in a run: the workflow's own code cannot catch it."""
    return PlatformError([DoesNotFit(problem)])


def is_unknown(error: BaseException) -> bool:
    """Whether an error says that a function is not served here."""
    causes: Iterable[BaseException] = error.causes if isinstance(error, PlatformError) else [error]
    return any(isinstance(cause, FunctionNotFoundError) for cause in causes)


def problem_of(error: BaseException) -> str | None:
    """Why an error says that this code does not fit; None where it says something else."""
    causes: Iterable[BaseException] = error.causes if isinstance(error, PlatformError) else [error]
    for cause in causes:
        match cause:
            case DoesNotFit():
                return str(cause)
            case FunctionNotFoundError():
                return f"no function {cause.name} (version {cause.version}) is served here"
            case SerializationError() | Base64DecodeError():
                return f"what was recorded cannot be read: {in_words(cause.error)}"
    return None


def in_words(error: Exception) -> str:
    """Why a value cannot be read: where in it, and why, but not what it is."""
    # msgspec wraps what pydantic raises, with its text, which quotes the value.
    told = error if isinstance(error, ValidationError) else error.__cause__
    if not isinstance(told, ValidationError):
        return str(error)
    items = told.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'it'}: {item['msg']}" for item in items[:5])


@dataclass(slots=True)
class _Held:
    function: str
    problem: str
    since: float
    due: float
    pause: float
    stay: float
    is_unknown: bool
    note: str | None = None

    @property
    def is_shown(self) -> bool:
        """Whether it is more than a deployment that rolls."""
        now = monotonic()
        return not self.is_unknown or (now - self.since >= UNSERVED_AFTER and now - self.due < UNSERVED_AFTER / 2)


class Misfits:
    """The runs that one worker holds back."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._said: dict[tuple[str, str], float] = {}

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._held)

    def delay(self, run: str) -> float:
        """Seconds until a run may be taken."""
        held = self._held.get(run)
        return max(held.due - monotonic(), 0) if held else 0

    def why(self, run: str) -> str | None:
        """Why a run is held back; None where it is not."""
        held = self._held.get(run)
        return held.problem if held else None

    def hold(self, run: PromiseRecord, problem: str, *, unknown: bool = False) -> float:
        """Hold a run back, and say so. Returns for how many seconds it is to be kept before it is handed back.

        ``unknown``: its function is not served here.
        """
        function = function_of(run) or ""
        held = self._held.get(run.id)
        now = monotonic()
        since = held.since if held else now
        is_new = unknown and now - since < UNSERVED_AFTER
        pause = 0.0 if is_new else min(max(held.pause, 0.5) * 2, LONGEST_PAUSE) if held else 1.0
        stay = 0.0
        if unknown:
            metrics.UNKNOWN_FUNCTIONS.inc()
            stay = min(held.stay * _GROWTH, _LONGEST_STAY) if held else _FIRST_STAY
        note = held.note if held and held.problem == problem else None
        self._held[run.id] = _Held(function, problem, since, now + pause, pause, stay, unknown, note)
        if monotonic() - self._said.get((function, problem), float("-inf")) >= REPEAT:
            self._said[function, problem] = monotonic()
            extra = {"job": run.tags.get("resonate:origin", run.id), "promise": run.id, "function": function}
            message = "%d runs wait for code that fits them, now %s: %s"
            level = logging.WARNING if is_new else logging.ERROR
            logger.log(level, message, self.count, function or run.id, problem, extra=extra)
        return stay * random.uniform(0.5, 1.5)

    def problem(self) -> str | None:
        """What readiness says of them, or None."""
        now = monotonic()
        self._held = {run: held for run, held in self._held.items() if now - held.due < _FORGOTTEN_AFTER}
        shown = [held for held in self._held.values() if held.is_shown]
        if not shown:
            return None
        some = shown[0]
        return f"{len(shown)} runs wait for code that fits them, such as {some.function}: {some.problem}"

    async def leave_note(self, client: "EngineClient", run: PromiseRecord) -> None:
        """Leave in the engine why a run is held back, for those who ask how it goes."""
        held = self._held.get(run.id)
        if held is None or held.note or not held.is_shown:
            return
        with suppress(EngineUnavailable, ServerError):
            for number in range(_MOST_NOTES):
                note = _note(run.id, number)
                kept = {"run": run.id, "problem": held.problem}
                found = await client.create(note, kept, run.timeout_at, EXTERNAL)
                if found.state == "pending" and found.param.data == kept:
                    held.note = note
                    return
                if found.state == "pending":  # It says why it was held back before.
                    await client.resolve(note, None)

    async def release(self, client: "EngineClient | None", run: str) -> None:
        """A run goes on, here or elsewhere."""
        held = self._held.pop(run, None)
        if held and held.note and client:
            with suppress(EngineUnavailable, ServerError):
                await client.resolve(held.note, None)


async def find_problem(client: "EngineClient", engine_id: str) -> str | None:
    """Why workers hold a run back; None where none of them does."""
    for number in range(_MOST_NOTES):
        note = await client.find(_note(engine_id, number))
        if note is None:
            return None
        if note.state == "pending":
            kept: Any = note.param.data
            return str(kept["problem"])
    return None


def _note(engine_id: str, number: int) -> str:
    return f"{NOTES}{uuid5(NAMESPACE_OID, engine_id)}/{number}"
