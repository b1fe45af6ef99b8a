"""Requests to cancel a job: how a run learns of one, and which of its calls go through all the same.

Whoever cancels a job makes a promise, ``job/order-4711:cancel``, which says so (see `cancel`). It is of the run's
branch, and so a Resonate server sends it along whenever a worker takes the run, and with its answers to what the run
records: to know it costs no request. Where that is not so, on resonate-pg and in the runs of a job's calls, and where the
last answer is a second old, the engine is asked before a new call is made.

A run is told once: by a `Canceled` that is recorded in the place of its next call. What it does after that, and what
the undo of a saga does, is shielded: not canceled, nor are the runs that it calls.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from time import monotonic

from resonate.context import Context
from resonate.effects import ResonateEffects
from resonate.error import ServerError
from resonate.types import PromiseRecord

from ..engine.client import EngineClient
from ..engine.postgres import ResilientPostgres
from ..engine.run_tags import EXTERNAL
from ..engine.task_sender import CANCEL, TaskSender
from ..errors import Canceled, EngineUnavailable

SHIELDED = "shielded"
"""The tag of a call that is made after its run was canceled, or by an undo: whoever cancels leaves it alone."""

UNDO = "undo"
"""The value of that tag where an undo made the call."""

IN_PLACE = "canceled"
"""The tag of what is recorded in the place of a call that was not made, because the job was canceled."""

FRESH = 1.0
"""Seconds for which a run relies on what the engine said last."""

_shield: ContextVar[str | None] = ContextVar("shield", default=None)


def cancel_request_id(root: str) -> str:
    """The id of the promise which says that a run of a job is to be canceled: no call of it, since these have numbers."""
    return root + CANCEL


@contextmanager
def shielded(by: str = "true") -> Iterator[None]:
    """Let the durable calls inside go through, though the job is canceled. ``by`` is the value of their tag."""
    token = _shield.set(by)
    try:
        yield
    finally:
        _shield.reset(token)


def is_canceled(record: PromiseRecord) -> bool:
    """Whether a call or a job ended because it was canceled."""
    if record.state == "rejected":
        return isinstance(record.value.data, dict) and record.value.data.get("code") == Canceled.code
    return record.state == "rejected_canceled"


class CancelRequest:
    """Whether one pass of a run is to be canceled, as far as it knows."""

    def __init__(self, ctx: Context, *, is_first_pass: bool) -> None:
        self._run, self._id = ctx.info.id, cancel_request_id(ctx.info.origin_id)
        self._effects = ctx._state.effects
        self._is_known = False
        # Work that was started and left to itself is no part of the job.
        self._is_told = self._run.startswith(f"{ctx.info.origin_id}:d")
        self._learned_at = 0.0
        if isinstance(self._effects, ResonateEffects):  # No replay of a history.
            self._client = ctx.get_dependency(EngineClient)
            comes_along = self._run == ctx.info.origin_id and not isinstance(self._client.network, ResilientPostgres)
            if comes_along or is_first_pass:  # Nobody cancels a run that was not begun: it is ended.
                self._learned_at = monotonic()

    def shield(self) -> str | None:
        """The value of the tag of new calls, where they are to go through, though the job is canceled; else None."""
        return _shield.get() or ("true" if self._is_told else None)

    async def is_due(self, promise: str) -> bool:
        """Whether a call, by its id on the engine, is to be canceled if it is not recorded yet."""
        effects = self._effects
        if not isinstance(effects, ResonateEffects) or self.shield():
            return False
        if not self._is_known:
            is_old = monotonic() - self._learned_at > FRESH and not _is_settled(effects, promise)
            # An engine that is away is noticed by the call itself.
            with suppress(EngineUnavailable, ServerError):
                if self._id in effects.cache or (is_old and await self._is_requested()):
                    self._is_told = await self._is_shielded()
                    self._is_known = True
        return self._is_known and not self._is_told

    def in_place_of(self, tags: dict[str, str]) -> dict[str, str]:
        """The tags of what is recorded in the place of a call: nobody runs it, and it comes along with its run."""
        kept = {name: value for name, value in tags.items() if name != "resonate:target"}
        return {**kept, **EXTERNAL, "resonate:branch": self._run, IN_PLACE: "true"}

    def note(self, call: PromiseRecord) -> None:
        """Note a call that the run makes or has made: it may be the one that says that the job is canceled."""
        if is_canceled(call):
            self._is_told = True

    def note_told(self) -> None:
        """Note that the run is told."""
        self._is_told = True

    async def _is_requested(self) -> bool:
        request = await self._client.find(self._client.namespace.local_id(self._id))
        self._learned_at = monotonic()
        return request is not None

    async def _is_shielded(self) -> bool:
        """Whether this is a run that an undo called."""
        if ":" not in self._run:
            return False
        run = await self._client.find(self._client.namespace.local_id(self._run))
        return run is not None and SHIELDED in run.tags


def _is_settled(effects: ResonateEffects, promise: str) -> bool:
    """Whether this process knows the end of a call."""
    if promise in effects.cache:
        return True
    sender = effects.sender
    return isinstance(sender, TaskSender) and sender.settled.find(effects.task_id, promise) is not None
