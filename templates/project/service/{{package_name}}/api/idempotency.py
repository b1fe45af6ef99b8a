"""Starting work so that every retry is harmless, and reading how it goes.

The engine's "create" returns the first record of an id. Two tags make one round trip answer three questions: a nonce
says whether this request created it, a fingerprint whether the first request was the same, and the record how far
the work is.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from time import monotonic
from typing import Any

from fastapi import Response
from pydantic import BaseModel, ValidationError
from resonate.types import PromiseRecord

from .. import metrics
from ..engine import Engine, EngineUnavailable, error_message
from ..rpc import Rpc, fingerprint
from .bodies import check_request
from .problems import Problem, unavailable

_NONCE = "http:nonce"
_FINGERPRINT = "http:fingerprint"

# A waiting request asks again after these seconds: often while an end is near, rarely when it is not.
_FIRST_PAUSE, _LAST_PAUSE = 0.02, 0.5


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


@dataclass(frozen=True, slots=True)
class Started:
    """Work that was started, now or by an earlier request with its key."""

    record: PromiseRecord
    replayed: bool

    @property
    def status(self) -> Status:
        """How far it is: an earlier request's may have ended."""
        return _STATUS[self.record.state]

    def mark(self, response: Response, location: str) -> None:
        """Set `Location`, and `Idempotent-Replayed` where it applies."""
        response.headers["Location"] = location
        if self.replayed:
            response.headers["Idempotent-Replayed"] = "true"


async def start(
    engine: Engine, contract: Rpc[Any, Any], promise_id: str, request: BaseModel, timeout: timedelta, location: str
) -> Started:
    """Start a workflow under an id, or find that it was asked for before: one round trip to the engine.

    Raises a 422 problem when the id was used for another request, or when this one holds what no body may; and 503
    when the engine does not answer in time: then ``location`` is where to ask whether it was started.
    """
    check_request(request)
    nonce = secrets.token_hex(16)
    digest = fingerprint(request)
    try:
        tags = {_NONCE: nonce, _FINGERPRINT: digest}
        record = await engine.start_workflow(contract, promise_id, request, timeout, tags)
    except EngineUnavailable:
        raise unavailable(location) from None
    if record.tags.get(_FINGERPRINT) != digest and not _asks_the_same(record, contract, digest):
        metrics.SUBMITTED.labels(contract.name, "reused").inc()
        detail = "The key of this work was used for another request. Use a new key for new work."
        raise Problem(422, "idempotency-key-reused", detail)
    replayed = record.tags.get(_NONCE) != nonce
    metrics.SUBMITTED.labels(contract.name, "replayed" if replayed else "new").inc()
    return Started(record, replayed)


def _asks_the_same(record: PromiseRecord, contract: Rpc[Any, Any], digest: str) -> bool:
    """Whether the first request is this one as today's code reads it: a field may have come since, with a default."""
    task: Any = record.param.data
    if _FINGERPRINT not in record.tags or task["func"] != contract.name:
        return False
    try:
        return fingerprint(contract.request.model_validate(task["args"][0])) == digest
    except ValidationError:
        return False


async def await_end(engine: Engine, record: PromiseRecord, seconds: float) -> PromiseRecord:
    """The record once its work has ended, or as it is after ``seconds``. Nothing is held in memory meanwhile."""
    deadline = monotonic() + seconds
    pause = _FIRST_PAUSE
    while record.state == "pending" and (left := deadline - monotonic()) > 0:
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, _LAST_PAUSE)
        record = await engine.find(record.id) or record
    return record
