"""Durable work over HTTP: start it, accept it with a 202, poll it, wait for its result, read through it."""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from time import monotonic, time
from typing import Any, Self

from fastapi import Request, Response
from pydantic import BaseModel, Field
from resonate.error import ServerError
from resonate.types import PromiseRecord

from ..durable import ids
from ..durable.rpc import Rpc
from ..engine.client import EngineClient, error_message
from ..engine.watch import YOUNG, find_untaken
from ..errors import EngineUnavailable
from .auth import Caller, get_caller
from .idempotency import RequestIdentity
from .problems import Problem, not_found, unavailable
from .strict_json import check_request

MAX_WAIT = 25
"""Seconds. Proxies commonly give up on a response after 30."""

_PREFER = re.compile(r"\bwait\s*=\s*\"?([0-9]{1,6})\b")

# A waiting request asks again after these seconds: often while an end is near, rarely when it is not.
_FIRST_PAUSE, _LAST_PAUSE = 0.02, 0.5

# Seconds that an answer may take longer for what its work waits for.
_LOOKING = 2.0


class Status(StrEnum):
    """How far a piece of work is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"


_STATUS = {
    "pending": Status.RUNNING,
    "resolved": Status.SUCCEEDED,
    "rejected": Status.FAILED,
    "rejected_canceled": Status.CANCELED,
    "rejected_timedout": Status.TIMED_OUT,
}
_ERRORS = {Status.CANCELED: "it was canceled", Status.TIMED_OUT: "it did not end in time"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A record as clients see it. ``result`` is the workflow's, as JSON; ``error`` is readable."""

    status: Status
    result: Any
    error: str | None

    @classmethod
    def of(cls, record: PromiseRecord) -> "Outcome":
        """Read a record."""
        status = _STATUS[record.state]
        if status is Status.FAILED:
            return cls(status, None, error_message(record))
        return cls(status, record.value.data if status is Status.SUCCEEDED else None, _ERRORS.get(status))


class Links(BaseModel):
    """Where work is found."""

    self: str


class Accepted(BaseModel):
    """Work that was accepted."""

    id: str
    status: Status
    links: Links


class WaitingFor(BaseModel):
    """A call that no worker has taken: of which function, and of which group, as the engine knows it."""

    function: str
    group: str


class PolledRecord(PromiseRecord, frozen=True, kw_only=True):
    """A record, and what its work waits for where nobody serves that."""

    waiting_for: WaitingFor | None = None


class Progress[R: BaseModel](BaseModel):
    """How work goes: `result` once it succeeded, `error` once it failed.

    `waiting_for` is there while the work stands still because no worker takes its next call.
    """

    id: str
    status: Status
    result: R | None
    error: str | None
    waiting_for: WaitingFor | None = Field(default=None, exclude_if=lambda value: value is None)

    @classmethod
    def of(cls, record: PromiseRecord) -> Self:
        """Read a record."""
        outcome = Outcome.of(record)
        public = ids.public_of(record.id)
        waiting_for = record.waiting_for if isinstance(record, PolledRecord) else None
        return cls(
            id=public, status=outcome.status, result=outcome.result, error=outcome.error, waiting_for=waiting_for
        )


@dataclass(frozen=True, slots=True)
class Started:
    """Work that was started, now or by an earlier equal request (``replayed``); ``location`` is where to poll it."""

    record: PromiseRecord
    replayed: bool
    location: str

    @property
    def public_id(self) -> str:
        """The id that clients know."""
        return ids.public_of(self.record.id)

    @property
    def status(self) -> Status:
        """How far it is: an earlier request's may have ended."""
        return _STATUS[self.record.state]

    def set_headers(self, response: Response) -> None:
        """Set `Location`, and `Idempotent-Replayed` where it applies."""
        response.headers["Location"] = self.location
        if self.replayed:
            response.headers["Idempotent-Replayed"] = "true"


async def start[Q: BaseModel](
    caller: Caller,
    contract: Rpc[Q, Any],
    root_id: str,
    request: Q,
    location: str,
    *,
    timeout: timedelta | None = None,
) -> Started:
    """Start a workflow under an id, or find that it was asked for before, in one round trip to the engine.

    ``timeout`` is the contract's unless it is given. Problems: 422 where the id was used for another request, or this
    one holds what no body may; 503 where the engine does not answer in time, with ``location`` to ask at.
    """
    check_request(request)
    identity = RequestIdentity(contract, request)
    try:
        record = await contract.start(caller.client, root_id, request, timeout=timeout, tags=identity.tags)
    except EngineUnavailable:
        raise unavailable(location) from None
    return Started(record, identity.is_replay(record), location)


def accept(started: Started, response: Response) -> Accepted:
    """The body of a 202 for work that was started; its headers go into ``response``."""
    started.set_headers(response)
    return Accepted(id=started.public_id, status=started.status, links=Links(self=started.location))


async def poll(caller: Caller, root_id: str, request: Request, response: Response) -> PromiseRecord:
    """The record of some work, or 404. `Prefer: wait=N` waits for its end."""
    record = await caller.client.find(root_id)
    if record is None:
        raise not_found()
    record = await _wait_as_preferred(caller.client, record, request, response, 0)
    return await _with_what_it_waits_for(caller.client, record)


async def _with_what_it_waits_for(client: EngineClient, record: PromiseRecord) -> PromiseRecord:
    """The record, and the call that it waits for, where no worker takes that. No engine is waited for long."""
    if record.state != "pending" or (time() * 1000 - record.created_at) < YOUNG * 1000:
        return record
    try:
        async with asyncio.timeout(_LOOKING):
            call = await find_untaken(client, record)
    except (TimeoutError, EngineUnavailable, ServerError):
        return record
    if call is None:
        return record
    waiting_for = WaitingFor(function=call.function, group=call.group)
    return PolledRecord(**{name: getattr(record, name) for name in record.__struct_fields__}, waiting_for=waiting_for)


async def wait[R: BaseModel](
    started: Started, result: type[R], request: Request, response: Response, *, seconds: float | None = None
) -> R | Response:
    """200 with the result of work that is quick, else 202 with its progress, and where to poll.

    It waits as `Prefer: wait=N` says, else ``seconds``, else SYNC_WAIT. Problem: 500 `work-failed`, with the error.
    """
    caller = get_caller(request)
    patience = caller.settings.sync_wait.total_seconds() if seconds is None else seconds
    started.set_headers(response)
    try:
        record = await _wait_as_preferred(caller.client, started.record, request, response, patience)
    except EngineUnavailable:
        raise unavailable(started.location) from None
    if record.state == "pending":
        progress = Progress[R].of(record)
        return Response(progress.model_dump_json(), 202, dict(response.headers), "application/json")
    return _result(result, record, dict(response.headers))


async def read[Q: BaseModel, R: BaseModel](
    caller: Caller, contract: Rpc[Q, R], root_id: str, request: Q, *, seconds: float | None = None
) -> R:
    """The result of a durable function that only reads: new work under a new id, which nobody asks for again.

    It waits ``seconds``, else SYNC_WAIT. Problems: 422 for what no body may hold, 504 `timed-out`, 500 `work-failed`
    with the error.
    """
    patience = caller.settings.sync_wait.total_seconds() if seconds is None else seconds
    check_request(request)
    record = await contract.start(caller.client, root_id, request)
    record = await wait_for_end(caller.client, record, patience)
    if record.state in ("pending", "rejected_timedout"):
        raise Problem(504, "timed-out", f"The work did not end within {patience:g} s.")
    return _result(contract.result, record)


async def wait_for_end(client: EngineClient, record: PromiseRecord, seconds: float) -> PromiseRecord:
    """The record once its work has ended, or as it is after ``seconds``. Nothing is held in memory meanwhile."""
    deadline = monotonic() + seconds
    pause = _FIRST_PAUSE
    while record.state == "pending" and (left := deadline - monotonic()) > 0:
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, _LAST_PAUSE)
        record = await client.find(record.id) or record
    return record


def preferred_wait(request: Request) -> int | None:
    """The seconds of `Prefer: wait=N` (RFC 7240), at most 25; None without it. What is not understood is ignored."""
    match = _PREFER.search(request.headers.get("prefer", ""))
    return min(int(match[1]), MAX_WAIT) if match else None


async def _wait_as_preferred(
    client: EngineClient, record: PromiseRecord, request: Request, response: Response, otherwise: float
) -> PromiseRecord:
    """Wait for the end as `Prefer: wait=N` says, else for ``otherwise`` seconds."""
    seconds = preferred_wait(request)
    if seconds is not None:
        response.headers["Preference-Applied"] = f"wait={seconds}"
    return await wait_for_end(client, record, otherwise if seconds is None else seconds)


def _result[R: BaseModel](result: type[R], record: PromiseRecord, headers: dict[str, str] | None = None) -> R:
    outcome = Outcome.of(record)
    if outcome.status is not Status.SUCCEEDED:
        raise Problem(500, "work-failed", outcome.error or outcome.status, headers=headers)
    return result.model_validate(outcome.result)
