"""Durable work over HTTP: start it, accept it with a 202, poll it, wait for its result, read through it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from types import MappingProxyType
from typing import Any, Self

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, SerializeAsAny, ValidationError
from pydantic_core import to_jsonable_python
from resonate.error import ServerError
from resonate.types import PromiseRecord

from ..durable import ids
from ..durable.job_runs import find_newest, newest
from ..durable.json_values import validate
from ..durable.rpc import Rpc
from ..engine.client import EngineClient, error_of
from ..engine.run_status import Status as Status, status_of
from ..engine.watch import YOUNG, find_untaken
from ..errors import EngineRefused, EngineUnavailable
from . import draining
from .auth import Caller, get_caller
from .idempotency import RequestIdentity
from .preferences import preferred_wait, prefers_async
from .problems import Problem, ProblemDetails, not_found, unavailable
from .strict_json import check_request

# A waiting request that is not told of the end asks again after these seconds: often at first, since most work is quick,
# and after _BRISK seconds once a second, since hundreds may wait. One that is told asks in case that a message got lost.
_FIRST_PAUSE, _BRISK_PAUSE, _LAST_PAUSE = 0.02, 0.5, 1.0
_BRISK = 2.0
_PAUSE_OF_TOLD = 5.0

# Seconds that an answer may take longer for what its work waits for.
_LOOKING = 2.0


class WorkError(BaseModel):
    """Why work failed: ``code`` for programs, ``message`` for people."""

    code: str
    message: str


_ERRORS = {
    Status.CANCELED: WorkError(code="canceled", message="it was canceled"),
    Status.TIMED_OUT: WorkError(code="timed-out", message="it did not end in time"),
}
_HTTP_STATUS = {Status.CANCELED: 409, Status.TIMED_OUT: 504}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A record as clients see it. ``result`` is the workflow's, as JSON; ``http_status`` that of a failure.

    ``members`` are those that a failure adds to its problem.
    """

    status: Status
    result: Any = None
    error: WorkError | None = None
    http_status: int = 200
    members: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def of(cls, record: PromiseRecord) -> "Outcome":
        """Read a record."""
        status = status_of(record)
        if record.state == "rejected":
            failure = error_of(record)
            error = WorkError(code=failure.code, message=str(failure)[:1000])
            names = [
                name for name in failure.public if name not in ProblemDetails.model_fields and hasattr(failure, name)
            ]
            members = to_jsonable_python({name: getattr(failure, name) for name in names})
            # A workflow that was canceled ends with a failure of that code, whatever status that has.
            http_status = _HTTP_STATUS.get(status, failure.status)
            return cls(status, error=error, http_status=http_status, members=members)
        result = record.value.data if status is Status.SUCCEEDED else None
        return cls(status, result, _ERRORS.get(status), _HTTP_STATUS.get(status, 200))


class Links(BaseModel):
    """Where work is found."""

    self: str


class Accepted(BaseModel):
    """Work that was accepted."""

    id: str
    status: Status
    links: Links


class WaitingFor(BaseModel):
    """A call that no worker goes on with: of which function, and of which group, as the engine knows it.

    `problem` is there while the workers of that group run code that does not fit it, or end with it, and says why.
    """

    function: str
    group: str
    problem: str | None = Field(default=None, exclude_if=lambda value: value is None)


class PolledRecord(PromiseRecord, frozen=True, kw_only=True):
    """A record, and what its work waits for where nobody serves that."""

    waiting_for: WaitingFor | None = None


class Progress[R: BaseModel](BaseModel):
    """How work goes: `result` once it succeeded, `error` once it failed.

    `waiting_for` is there while the work stands still because no worker takes its next call.

    A result that an earlier release recorded, and that today's model does not take, is answered as it was recorded.
    """

    id: str
    status: Status
    result: SerializeAsAny[R | None]
    error: WorkError | None
    waiting_for: WaitingFor | None = Field(default=None, exclude_if=lambda value: value is None)

    @classmethod
    def of(cls, record: PromiseRecord) -> Self:
        """Read a record."""
        outcome = Outcome.of(record)
        public = ids.public_of(record.id)
        waiting_for = record.waiting_for if isinstance(record, PolledRecord) else None
        beside = {"error": outcome.error, "waiting_for": waiting_for}
        found = {name: part.model_dump(mode="json") for name, part in beside.items() if part is not None}
        members = {"id": public, "status": outcome.status, "result": outcome.result, "error": None}
        try:
            return validate(cls, {**members, **found})
        except ValidationError:
            if outcome.result is None:
                raise
            return validate(cls, {**members, **found, "result": None}).model_copy(update={"result": outcome.result})


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
        return status_of(self.record)

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

    ``location`` is the path of this API at which it is polled. ``timeout`` is the contract's unless it is given.
    Problems: 413 where the engine would keep more than a body may have; 422 where the id was used for another request,
    or this one holds what no body may; 503 where the engine does not answer in time, with ``location`` to ask at.
    """
    check_request(request)
    location = caller.link(location)
    identity = RequestIdentity(contract, request)
    try:
        record = await contract.start(caller.client, root_id, request, timeout=timeout, tags=identity.tags)
        replayed = identity.is_replay(record)
        return Started(await newest(caller.client, record), replayed, location)
    except EngineRefused:
        raise  # Nothing was started.
    except EngineUnavailable:
        raise unavailable(location) from None


def accept(started: Started, response: Response) -> Accepted:
    """The body of a 202 for work that was started; its headers go into ``response``."""
    started.set_headers(response)
    return Accepted(id=started.public_id, status=started.status, links=Links(self=started.location))


async def poll(caller: Caller, root_id: str, request: Request, response: Response) -> PromiseRecord:
    """The record of some work, or 404. `Prefer: wait=N` waits for its end."""
    record = await find_newest(caller.client, root_id)
    if record is None:
        raise not_found()
    record = await _wait_as_preferred(caller.client, record, request, response, 0)
    return await _with_what_it_waits_for(caller.client, record)


async def _with_what_it_waits_for(client: EngineClient, record: PromiseRecord) -> PromiseRecord:
    """The record, and the call that it waits for, where no worker takes that. No engine is waited for long."""
    if record.state != "pending" or client.clock.now_ms() - record.created_at < YOUNG * 1000:
        return record
    try:
        async with asyncio.timeout(_LOOKING):
            call = await find_untaken(client, record)
    except (TimeoutError, EngineUnavailable, ServerError):
        return record
    if call is None:
        return record
    waiting_for = WaitingFor(function=call.function, group=call.group, problem=call.problem)
    return PolledRecord(**{name: getattr(record, name) for name in record.__struct_fields__}, waiting_for=waiting_for)


async def wait[R: BaseModel](
    started: Started, result: type[R], request: Request, response: Response, *, seconds: float | None = None
) -> R | Response:
    """200 with the result of work that is quick, else 202 with its progress, and where to poll.

    It waits as `Prefer: wait=N` says, not at all with `Prefer: respond-async` alone, else ``seconds``, else SYNC_WAIT.
    A result that an earlier release recorded, and that ``result`` does not take, is answered as it was recorded.
    Problem: the failure of the work, with its code and status.
    """
    patience = get_caller(request).settings.sync_wait.total_seconds() if seconds is None else seconds
    respond_async = prefers_async(request)
    started.set_headers(response)
    try:
        client = get_caller(request).client
        otherwise = 0 if respond_async else patience
        record = await _wait_as_preferred(client, started.record, request, response, otherwise)
    except EngineUnavailable:
        raise unavailable(started.location) from None
    if record.state == "pending":
        if respond_async:
            applied = response.headers.get("Preference-Applied")
            response.headers["Preference-Applied"] = f"respond-async, {applied}" if applied else "respond-async"
        progress = Progress[R].of(record)
        return Response(progress.model_dump_json(), 202, dict(response.headers), "application/json")
    try:
        return _result(result, record, dict(response.headers))
    except ValidationError:  # An earlier release recorded it: that is what the client has got, or would have.
        return JSONResponse(record.value.data, response.status_code or 200, dict(response.headers))


async def read[Q: BaseModel, R: BaseModel](
    caller: Caller, contract: Rpc[Q, R], root_id: str, request: Q, *, seconds: float | None = None
) -> R:
    """The result of a durable function that only reads: new work under a new id, which nobody asks for again.

    It waits ``seconds``, else SYNC_WAIT. Problems: 422 for what no body may hold, 503 `stopping` where this process
    stops, 504 `timed-out`, and the failure of the work, with its code and status.
    """
    patience = caller.settings.sync_wait.total_seconds() if seconds is None else seconds
    check_request(request)
    record = await contract.start(caller.client, root_id, request)
    record = await wait_for_end(caller.client, record, patience)
    if record.state == "pending" and draining.has_begun():
        raise draining.stopping()
    if record.state in ("pending", "rejected_timedout"):
        raise Problem(504, "timed-out", f"The work did not end within {patience:g} s.")
    return _result(contract.result, record)


async def wait_for_end(client: EngineClient, record: PromiseRecord, seconds: float) -> PromiseRecord:
    """The record once its work has ended, or as it is after ``seconds``. Nothing is held in memory meanwhile.

    A process that stops does not wait.
    """
    began = monotonic()
    if record.state != "pending" or seconds <= 0 or draining.has_begun():
        return record
    async with client.told_of_end(record.id) as told:
        pause = _PAUSE_OF_TOLD if told else _FIRST_PAUSE
        while record.state == "pending" and (left := began + seconds - monotonic()) > 0 and not draining.has_begun():
            await draining.sleep(min(pause, left), told)
            if told is None:
                pause = min(pause * 1.5, _BRISK_PAUSE) if monotonic() - began < _BRISK else _LAST_PAUSE
            elif told.done():  # Whoever was told wrongly asks as if nobody told.
                told, pause = None, _FIRST_PAUSE
            record = await client.find(record.id) or record
    return record


async def _wait_as_preferred(
    client: EngineClient, record: PromiseRecord, request: Request, response: Response, otherwise: float
) -> PromiseRecord:
    """Wait for the end as `Prefer: wait=N` says, else for ``otherwise`` seconds."""
    seconds = preferred_wait(request)
    record = await wait_for_end(client, record, otherwise if seconds is None else seconds)
    was_cut_short = record.state == "pending" and draining.has_begun()
    if seconds is not None and not was_cut_short:
        response.headers["Preference-Applied"] = f"wait={seconds}"
    return record


def _result[R: BaseModel](result: type[R], record: PromiseRecord, headers: dict[str, str] | None = None) -> R:
    outcome = Outcome.of(record)
    if outcome.error is not None:
        problem = Problem(outcome.http_status, outcome.error.code, outcome.error.message, headers=headers)
        problem.extra = dict(outcome.members)
        raise problem
    return validate(result, outcome.result)
