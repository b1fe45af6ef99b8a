"""Runs as every engine shows them: the models that the commands, the API and the page print as JSON.

:func:`list_runs <.run_list.list_runs>` lists the runs of this service, :func:`find_tree <.run_tree.find_tree>` has one
with its calls, and :func:`list_workers <.presence.list_workers>` says who serves which group. Ids are this service's,
without its namespace; groups are as the engine knows them (``myapi.workers``).
"""

import base64
import json
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Self

from pydantic import AwareDatetime, BaseModel, Field
from resonate.types import PromiseRecord

from ..errors import InvalidCursor
from . import run_tags
from .call_names import function_of, group_of
from .client import STARTED_BY, EngineClient, error_of
from .run_status import Status, status_of

MOST_LISTED = 1000
"""Runs that one page may have."""

_LONGEST_ID = 400
_LATEST = 1 << 53


class RunError(BaseModel):
    """Why a run or a call failed: ``code`` for programs, ``message`` for people."""

    code: str
    message: str


class Run(BaseModel):
    """One run of some work. ``ends_at`` is its deadline, ``started_by`` the service and group that started it."""

    id: str
    kind: str
    function: str | None
    group: str | None
    status: Status
    began_at: AwareDatetime
    ended_at: AwareDatetime | None
    ends_at: AwareDatetime
    started_by: str | None
    caller: str | None

    @classmethod
    def of(cls, client: EngineClient, record: PromiseRecord) -> Self:
        """Read the record of a root; its id may be the engine's or local."""
        promise = client.namespace.local_id(record.id)
        status, ended_at = end_of(client, record)
        return cls(
            id=promise,
            kind=promise.partition("/")[0],
            function=function_of(record),
            group=group_of(record),
            status=status,
            began_at=moment(record.created_at),
            ended_at=ended_at,
            ends_at=moment(record.timeout_at),
            started_by=record.tags.get(STARTED_BY),
            caller=record.tags.get(run_tags.CALLER),
        )


class WaitingFor(BaseModel):
    """What a call that has not ended waits for. ``text`` says it in words.

    * ``worker``: somebody of ``group`` who takes it. ``is_served``: whether a process serves that group, None where that
      cannot be told; ``problem``: why its workers do not go on with it;
    * ``answer``: an answer to ``question`` at ``gate``, until ``until``;
    * ``time``: the end of a sleep, at ``until``.
    """

    kind: Literal["worker", "answer", "time"]
    text: str
    group: str | None = None
    is_served: bool | None = None
    problem: str | None = None
    gate: str | None = None
    question: str | None = None
    until: AwareDatetime | None = None


type Form = Literal["step", "call", "detached", "sleep", "gate", "promise"]


class Call(BaseModel):
    """One call that a run made, and those that it made itself.

    ``attempts`` is how often a worker took it, each wake included; None where the engine does not count that.
    ``is_hidden``: its request and result are not shown, since nobody here knows what in them is secret.
    """

    id: str
    name: str
    form: Form
    group: str | None
    status: Status
    began_at: AwareDatetime
    ended_at: AwareDatetime | None
    ends_at: AwareDatetime
    version: int | None = None
    attempts: int | None = None
    request: Any = None
    result: Any = None
    error: RunError | None = None
    is_hidden: bool = False
    waiting_for: WaitingFor | None = None
    calls: list["Call"] = Field(default_factory=list)


class RunTree(BaseModel):
    """One run with its calls. ``root`` is the call of the run itself, ``runs`` are all runs of the job, the first one first.

    ``is_cut``: it has more calls than are shown.
    """

    run: Run
    root: Call
    runs: list[Run]
    is_cut: bool = False

    def walk(self) -> list[Call]:
        """The root and all calls, each before those that it made."""
        found, left = list[Call](), [self.root]
        while left:
            call = left.pop()
            found.append(call)
            left += reversed(call.calls)
        return found


class RunQuery(BaseModel):
    """Which runs to list: those of a status, kind or caller that began from ``since`` to ``until``; ``text`` is part of the id.

    Without ``since``: of the last 30 days. ``cursor`` is the ``next_cursor`` of the page before.
    """

    status: Status | None = None
    kind: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    caller: str | None = None
    text: str | None = None
    limit: int = Field(default=50, ge=1, le=MOST_LISTED)
    cursor: str | None = None


class RunPage(BaseModel):
    """Some runs, the newest first. A page with a ``next_cursor`` may have fewer than were asked for."""

    runs: list[Run]
    next_cursor: str | None


class Position(NamedTuple):
    """The place of a run in a list: when it began (Unix ms), and its id on the engine."""

    at: int
    id: str

    def cursor(self) -> str:
        """It as clients get it."""
        return base64.urlsafe_b64encode(json.dumps([self.at, self.id]).encode()).rstrip(b"=").decode()

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Read a cursor.

        Raises:
            InvalidCursor: it is none.
        """
        try:
            at, promise = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            is_good = type(at) is int and 0 <= at < _LATEST and isinstance(promise, str) and "\0" not in promise
            if not is_good or len(promise) > _LONGEST_ID or promise != promise.encode(errors="replace").decode():
                raise ValueError("it is none")
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidCursor from error
        return cls(at, promise)


def end_of(client: EngineClient, record: PromiseRecord) -> tuple[Status, datetime | None]:
    """The status of a record, and when it ended: some engines only note a time-out when they are asked."""
    if record.state == "pending" and record.timeout_at <= client.clock.now_ms():
        is_timer = record.tags.get("resonate:timer") == "true"
        return Status.SUCCEEDED if is_timer else Status.TIMED_OUT, moment(record.timeout_at)
    return status_of(record), None if record.settled_at is None else moment(record.settled_at)


def error_in(record: PromiseRecord) -> RunError | None:
    """The failure of a record, if it has one."""
    if record.state != "rejected":
        return None
    failure = error_of(record)
    return RunError(code=failure.code, message=str(failure)[:1000])


def moment(ms: int) -> datetime:
    """Unix milliseconds as a datetime; what lies beyond the years that it knows is their last."""
    return datetime.fromtimestamp(min(max(ms, 0), 253_402_300_799_000) / 1000, UTC)
