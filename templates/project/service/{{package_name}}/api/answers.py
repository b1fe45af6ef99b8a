"""The answers of routes that start durable work, or read how it goes."""

from typing import Any, Self

from fastapi import Request, Response
from pydantic import BaseModel
from resonate.types import PromiseRecord

from ..engine import Engine, EngineUnavailable
from ..rpc import Rpc
from .bodies import check_request
from .dependencies import Caller, caller_of, not_found, preferred_wait
from .idempotency import Outcome, Started, Status, await_end
from .problems import Problem, unavailable


class Links(BaseModel):
    """Where work is found."""

    self: str


class Accepted(BaseModel):
    """Work that was taken on."""

    id: str
    status: Status
    links: Links


class Progress[R: BaseModel](BaseModel):
    """How work goes: `result` once it succeeded, `error` once it failed."""

    id: str
    status: Status
    result: R | None
    error: str | None

    @classmethod
    def of(cls, id: str, record: PromiseRecord) -> Self:
        """Read a record, under the id that its clients know."""
        outcome = Outcome.of(record)
        return cls(id=id, status=outcome.status, result=outcome.result, error=outcome.error)


def accepted(started: Started, public: str, location: str, response: Response) -> Accepted:
    """What a 202 says of work that was started, now or before; its headers go into ``response``."""
    started.mark(response, location)
    return Accepted(id=public, status=started.status, links=Links(self=location))


async def poll(caller: Caller, root: str, request: Request, response: Response) -> PromiseRecord:
    """The record of some work, or 404. `Prefer: wait=N` waits for its end."""
    record = await caller.engine.find(root)
    if record is None:
        raise not_found()
    return await _await_end(caller.engine, record, request, response, 0)


async def at_once[R: BaseModel](
    started: Started,
    result: type[R],
    public: str,
    location: str,
    request: Request,
    response: Response,
    *,
    seconds: float | None = None,
) -> R | Response:
    """200 with the result of work that is quick, else 202 with its progress, and where to poll.

    It waits as `Prefer: wait=N` says, else ``seconds``, else SYNC_WAIT. Problem: 500 `work-failed`, with the error.
    """
    caller = caller_of(request)
    otherwise = caller.settings.sync_wait.total_seconds() if seconds is None else seconds
    started.mark(response, location)
    try:
        record = await _await_end(caller.engine, started.record, request, response, otherwise)
    except EngineUnavailable:
        raise unavailable(location) from None
    if record.state == "pending":
        progress = Progress[R].of(public, record)
        return Response(progress.model_dump_json(), 202, dict(response.headers), "application/json")
    return _result(result, record, dict(response.headers))


async def read_now[Q: BaseModel, R: BaseModel](
    caller: Caller, contract: Rpc[Q, R], promise_id: str, request: Q, *, seconds: float | None = None
) -> R:
    """The result of a durable function that only reads: new work, of which nobody asks again.

    It waits ``seconds``, else SYNC_WAIT. Problems: 422 for what no body may hold, 504 `timed-out`, 500 `work-failed`
    with the error.
    """
    patience = caller.settings.sync_wait.total_seconds() if seconds is None else seconds
    check_request(request)
    record = await caller.engine.start_workflow(contract, promise_id, request, contract.timeout, {})
    record = await await_end(caller.engine, record, patience)
    if record.state in ("pending", "rejected_timedout"):
        raise Problem(504, "timed-out", f"The work did not end within {patience:g} s.")
    return _result(contract.result, record)


def asked_for[Q: BaseModel](record: PromiseRecord, contract: Rpc[Q, Any]) -> Q:
    """The request with which the work of a record was started."""
    task: Any = record.param.data
    return contract.request.model_validate(task["args"][0])


async def _await_end(
    engine: Engine, record: PromiseRecord, request: Request, response: Response, otherwise: float
) -> PromiseRecord:
    """Wait for the end as `Prefer: wait=N` says, else for ``otherwise`` seconds."""
    wait = preferred_wait(request)
    if wait is not None:
        response.headers["Preference-Applied"] = f"wait={wait}"
    return await await_end(engine, record, otherwise if wait is None else wait)


def _result[R: BaseModel](result: type[R], record: PromiseRecord, headers: dict[str, str] | None = None) -> R:
    outcome = Outcome.of(record)
    if outcome.status is not Status.SUCCEEDED:
        raise Problem(500, "work-failed", outcome.error or outcome.status, headers=headers)
    return result.model_validate(outcome.result)
