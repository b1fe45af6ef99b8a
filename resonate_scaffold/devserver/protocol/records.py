"""What is kept, and how it is answered. Times and lengths are in ms."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

I64_MAX = (1 << 63) - 1

type PromiseState = Literal["pending", "resolved", "rejected", "rejected_canceled", "rejected_timedout"]
type TaskState = Literal["pending", "acquired", "suspended", "halted", "fulfilled"]


class Value(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a promise was given, or was settled with: opaque here."""

    headers: dict[str, str] | None = None
    data: str | None = None


EMPTY = Value()


class PromiseRecord(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """A promise as it is answered."""

    id: str
    state: PromiseState
    param: Value
    value: Value
    tags: dict[str, str]
    timeout_at: int
    created_at: int
    settled_at: int | None = None


class TaskRecord(msgspec.Struct, omit_defaults=True, gc=False):
    """A task as it is answered; `ttl` and `pid` while it is acquired."""

    id: str
    state: TaskState
    version: int
    resumes: int
    ttl: int | None = None
    pid: str | None = None


class Task(msgspec.Struct):
    """The work that a promise with a target is. It has the promise's id.

    `version` counts how often it was acquired. `awaiting` are the pending promises that it is to be resumed by,
    `resumed` those that have settled since it was last acquired or suspended.
    """

    state: TaskState
    version: int = 0
    ttl: int | None = None
    pid: str | None = None
    awaiting: set[str] = msgspec.field(default_factory=set)
    resumed: set[str] = msgspec.field(default_factory=set)


class Promise(msgspec.Struct):
    """A promise with its task, the tasks that await it, and the addresses that want to know of its end."""

    record: PromiseRecord
    task: Task | None = None
    awaiters: set[str] = msgspec.field(default_factory=set)
    listeners: set[str] = msgspec.field(default_factory=set)

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def states(self) -> tuple[str, PromiseState, TaskState | None]:
        """Its id, its state and its task's."""
        return self.record.id, self.record.state, self.task.state if self.task is not None else None

    @property
    def is_pending(self) -> bool:
        return self.record.state == "pending"

    @property
    def target(self) -> str | None:
        return self.record.tags.get("resonate:target")

    @property
    def branch(self) -> str | None:
        return self.record.tags.get("resonate:branch")

    @property
    def is_timed(self) -> bool:
        """Whether the clock ends it; another one is found to have ended when somebody asks."""
        tags = self.record.tags
        return (
            "resonate:target" in tags or tags.get("resonate:timer") == "true" or tags.get("resonate:external") == "true"
        )

    def is_over(self, now: int) -> bool:
        """Whether its time is over and nobody has noticed yet."""
        return self.record.state == "pending" and self.record.timeout_at <= now

    def task_record(self) -> TaskRecord:
        task = self.task
        assert task is not None
        return TaskRecord(self.id, task.state, task.version, len(task.resumed), task.ttl, task.pid)


def timed_out(tags: dict[str, str]) -> PromiseState:
    """How a promise with these tags ends when its time is over: a timer has done its work."""
    return "resolved" if tags.get("resonate:timer") == "true" else "rejected_timedout"


class Schedule(msgspec.Struct, rename="camel", omit_defaults=True):
    """A schedule as it is kept and answered: a promise is made at each time of `cron`, in UTC."""

    id: str
    cron: str
    promise_id: str
    promise_timeout: int
    promise_param: Value
    promise_tags: dict[str, str]
    created_at: int
    next_run_at: int
    last_run_at: int | None = None


class Execute(msgspec.Struct, frozen=True):
    """Offer a task, at this version, to `address`."""

    address: str
    task_id: str
    version: int


class Unblock(msgspec.Struct, frozen=True):
    """Tell `address` that a promise has settled."""

    address: str
    promise: PromiseRecord


type Message = Execute | Unblock


class Answer(msgspec.Struct):
    """`data` is a refusal's reason from status 400 on."""

    status: int
    data: Any
