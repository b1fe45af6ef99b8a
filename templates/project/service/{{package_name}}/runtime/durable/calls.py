"""The calls of one run as the engine records them, in the place of the SDK's effects.

A run that goes on is run from the top, and its calls are answered by their numbers. So code that makes another call
than was recorded would read the wrong call's answer, without a word: here such a run is held back (see
`engine.misfits`). Each call is recorded with the pass of the run that made it, which tells a call that is made from one
that is made again.
"""

import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from msgspec.structs import replace
from pydantic import BaseModel, ValidationError
from resonate.context import Context
from resonate.effects import Effects
from resonate.error import PlatformError
from resonate.types import PromiseCreateReq, PromiseRecord

from ..engine.call_names import GATE, NAMELESS, STEP, describe
from ..engine.misfits import does_not_fit, in_words
from ..engine.offers import current_run
from ..errors import Canceled
from .cancel_requests import IN_PLACE, SHIELDED, CancelRequest
from .json_values import validate

BROUGHT_ALONG = 20
"""Of the first so many calls of a run those that are steps come along with each answer of a Resonate server.

A run that goes on in another process reads them with its first request, and each later one with a request of its own. To
send all of them each time, as the server does by itself, takes a time that grows with the square of their number.
"""

_PASS = "run"  # a tag

KEPT = {_PASS: "kept"}
"""Tags of a call that was not made in its run, but taken over from an earlier one (see `job_runs`)."""

latest_end: ContextVar[Callable[[], float]] = ContextVar("latest_end", default=lambda: math.inf)
"""When calls that are made here end at the latest, in Unix ms: before their run does, where a saga may undo them."""


class RecordedCalls:
    """The calls of one pass of a run, its steps' own included."""

    def __init__(self, effects: Effects, ctx: Context) -> None:
        self._effects = effects
        self._names: dict[str, dict[str, str]] = {}
        self._timeouts: dict[str, int] = {}
        self._error: PlatformError | None = None
        self._listeners: list[Callable[[PromiseRecord, bool], None]] = []
        self._run = run = current_run()
        self.time: float | None = None
        """Milliseconds that the run has in all; None in a replay of a history."""
        self._pass = "0"
        if run is not None:
            run.passes += 1
            self._pass = f"{run.begun_before}.{run.passes}"
        self.cancel_request = CancelRequest(ctx, is_first_pass=self.is_first_pass and run is not None)

    @property
    def is_first_pass(self) -> bool:
        """Whether the run begins, rather than goes on or begins again."""
        return self._run is None or (self._run.begun_before == 0 and self._run.passes == 1)

    def listen(self, listener: Callable[[PromiseRecord, bool], None]) -> None:
        """Tell of each call when its record is there, and whether this pass made it."""
        self._listeners.append(listener)

    def ends_at(self, promise: str) -> int | None:
        """When a call is timed out, in Unix ms; None in a replay of a history, and of a call that is not recorded yet."""
        return self._timeouts.get(promise) if self._run is not None else None

    def name_step(self, promise: str, name: str) -> None:
        """Note the name of a step that is about to be recorded."""
        self._names[promise] = {STEP: name}

    def name_gate(self, promise: str, name: str) -> None:
        """Note the name of the gate at which a call that is about to be recorded waits."""
        self._names[promise] = {GATE: name}

    def step_name(self, promise: str) -> str | None:
        """The name of a step of this pass."""
        return self._names.get(promise, {}).get(STEP)

    async def create_promise(self, req: PromiseCreateReq) -> PromiseRecord:
        """Record a call, or find what is recorded of it. One that is new in a job to be canceled is recorded as canceled.

        Raises:
            PlatformError: another call was recorded in its place.
        """
        if self._error:
            raise self._error
        tags = {**req.tags, _PASS: self._pass, **self._names.get(req.id, {})}
        if req.tags.get("resonate:scope") == "local" and _number(req.id) > BROUGHT_ALONG:
            tags["resonate:branch"] = req.id  # What has its run's branch is brought along.
        if shield := self.cancel_request.shield():
            tags[SHIELDED] = shield
        elif await self.cancel_request.is_due(req.id):
            tags = self.cancel_request.in_place_of(tags)
        timeout_at = int(min(req.timeout_at, latest_end.get()()))
        record = await self._effects.create_promise(replace(req, tags=tags, timeout_at=timeout_at))
        is_new = record.tags.get(_PASS) == self._pass
        if not is_new and self._run is not None:  # A replay of a history compares by itself.
            was, now = describe(record.tags, record.param.data), describe(tags, req.param.data)
            if was != now and not (was == NAMELESS and now.startswith(NAMELESS)):
                self._error = does_not_fit(f"call {req.id} was {was}, and this code makes {now} in its place")
                raise self._error
        if IN_PLACE in record.tags and record.state == "pending":
            record = await self._effects.settle_promise(req.id, Canceled(req.id))
        self.cancel_request.note(record)
        self._timeouts[req.id] = record.timeout_at
        for listener in self._listeners:
            listener(record, is_new)
        return record

    async def settle_promise(self, id: str, result: Any) -> PromiseRecord:
        """Record the result of a step."""
        return await self._effects.settle_promise(id, result)


def note_told(ctx: Context) -> None:
    """Note that a run is told that it is canceled, by what it waited for."""
    if isinstance(ctx._state.effects, RecordedCalls):
        ctx._state.effects.cancel_request.note_told()


def recorded[M: BaseModel](model: type[M], value: Any, what: str) -> M:
    """What was recorded, as this code reads it.

    Raises:
        PlatformError: it cannot read it.
    """
    try:
        return validate(model, value)
    except ValidationError as error:
        raise does_not_fit(f"{what} cannot be read: {in_words(error)}") from None


def _number(promise: str) -> int:
    """The number of a call in what makes it: 12 of ``job/a:12`` and of ``job/a:3.12``."""
    return int(promise.replace(":", ".").rpartition(".")[2])
