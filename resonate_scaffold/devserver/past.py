"""Journals of format 1, which 0.1.0 wrote, read into a state of today.

Its entries are those of a state machine that counted otherwise: a task's version rose when its lease ended, not when it
was taken. So a task that somebody held, or that waits for promises, is one version further here, and so are the
requests that name a lease. A task that waits to be taken has the same version in both.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from resonate_scaffold.devserver.entries import carry_out
from resonate_scaffold.devserver.protocol import Promise, Schedule, State, Task, tick
from resonate_scaffold.devserver.protocol.records import (
    EMPTY,
    I64_MAX,
    PromiseRecord,
    PromiseState,
    TaskState,
    Value,
)

FORMAT = 1

#: Requests that name the version of a lease.
_OF_A_LEASE = frozenset({"task.release", "task.fulfill", "task.fence", "task.suspend"})


class _Header(msgspec.Struct, tag="journal", tag_field="entry"):
    format: int
    now: int


class _Promise(msgspec.Struct):
    id: str
    state: PromiseState
    param: Any
    value: Any
    tags: dict[str, str]
    timeout_at: int
    created_at: int
    settled_at: int | None
    awaiters: set[str]
    subscribers: set[str]


class _PromiseEntry(msgspec.Struct, tag="promise", tag_field="entry"):
    promise: _Promise


class _Task(msgspec.Struct):
    id: str
    state: TaskState
    version: int
    pid: str | None
    ttl: int | None
    resumes: set[str]


class _TaskEntry(msgspec.Struct, tag="task", tag_field="entry"):
    task: _Task
    deadline: int | None


class _Schedule(msgspec.Struct):
    id: str
    cron: str
    promise_id: str
    promise_timeout: int
    promise_param: Any
    promise_tags: Any
    created_at: int
    next_run_at: int | None
    last_run_at: int | None = None


class _ScheduleEntry(msgspec.Struct, tag="schedule", tag_field="entry"):
    schedule: _Schedule


class _RequestEntry(msgspec.Struct, tag="request", tag_field="entry"):
    now: int
    request: dict[str, Any]


class _TickEntry(msgspec.Struct, tag="tick", tag_field="entry"):
    now: int


_decode = msgspec.json.Decoder(
    _Header | _PromiseEntry | _TaskEntry | _ScheduleEntry | _RequestEntry | _TickEntry
).decode


class Past:
    """One journal of format 1, being read."""

    def __init__(self) -> None:
        self._awaiting: defaultdict[str, set[str]] = defaultdict(set)

    def replay(self, state: State, line: bytes) -> int | None:
        """Let what a line says happen to `state`; the time that it tells, if it does. msgspec.DecodeError."""
        match _decode(line):
            case _Header(now=now):
                return now
            case _PromiseEntry(promise):
                for task_id in promise.awaiters:
                    self._awaiting[task_id].add(promise.id)
                state.add(_promise(promise))
            case _TaskEntry(task, deadline):
                kept = Task(
                    task.state,
                    task.version + (task.state in ("acquired", "suspended")),
                    task.ttl,
                    task.pid,
                    self._awaiting.pop(task.id, set()),
                    task.resumes,
                )
                state.add_task(state.promises[task.id], kept, deadline)
            case _ScheduleEntry(schedule):
                state.add_schedule(_schedule(schedule))
            case _RequestEntry(now, request):
                carry_out(state, now, str(request.get("kind")), msgspec.json.encode(_data(state, request)))
                return now
            case _TickEntry(now):
                tick(state, now)
                return now
        return None


def _promise(past: _Promise) -> Promise:
    record = PromiseRecord(
        id=past.id,
        state=past.state,
        param=_value(past.param),
        value=_value(past.value),
        tags=past.tags,
        timeout_at=past.timeout_at,
        created_at=past.created_at,
        settled_at=past.settled_at,
    )
    return Promise(record, None, past.awaiters, past.subscribers)


def _schedule(past: _Schedule) -> Schedule:
    return Schedule(
        id=past.id,
        cron=past.cron,
        promise_id=past.promise_id,
        promise_timeout=past.promise_timeout,
        promise_param=_value(past.promise_param),
        promise_tags=_tags(past.promise_tags),
        created_at=past.created_at,
        next_run_at=past.next_run_at or 0,
        last_run_at=past.last_run_at,
    )


def _value(past: Any) -> Value:
    """What a promise holds. It was any JSON; every client sends headers and data."""
    try:
        return msgspec.convert(past, Value)
    except msgspec.ValidationError:
        return EMPTY


def _tags(past: Any) -> dict[str, str]:
    found = past.items() if isinstance(past, dict) else ()
    return {key: value for key, value in found if isinstance(value, str)}


def _data(state: State, request: dict[str, Any]) -> dict[str, Any]:
    """The data of a request today: what could be left out then is filled in."""
    kind = request.get("kind")
    data = {key: value for key, value in request.items() if key not in ("kind", "corrId")}
    if kind in ("promise.create", "promise.settle"):
        return _wanted(data)
    if kind in _OF_A_LEASE:
        data["version"] = _number(data.get("version"), 0) + 1
    if kind in ("task.create", "task.acquire"):
        data["ttl"], data["pid"] = max(_number(data.get("ttl"), 60_000), 1), data.get("pid") or "?"
    if isinstance(action := data.get("action"), dict):
        data["action"] = {"kind": "?", "head": {}, **action, "data": _wanted(action.get("data"))}
    if kind == "task.suspend":
        actions = data.get("actions")
        awaited = [_awaited(action) for action in actions] if isinstance(actions, list) else []
        data["actions"] = [
            {"kind": "promise.register_callback", "head": {}, "data": {"awaited": id, "awaiter": data.get("id")}}
            for id in awaited
            if id in state.promises
        ]
    if kind == "task.heartbeat" and isinstance(tasks := data.get("tasks"), list):
        data["tasks"] = [{**task, "version": _number(task.get("version"), 0) + 1} for task in tasks]
    return data


def _wanted(past: Any) -> dict[str, Any]:
    """The data of a create or a settle."""
    data = dict(past) if isinstance(past, dict) else {}
    for name in ("param", "value"):
        if name in data:
            data[name] = _value(data[name])
    if "tags" in data:
        data["tags"] = _tags(data["tags"])
    data["timeoutAt"] = max(_number(data.get("timeoutAt"), I64_MAX), 0)
    return data


def _awaited(action: Any) -> Any:
    data = action.get("data") if isinstance(action, dict) else None
    return data.get("awaited") if isinstance(data, dict) else None


def _number(past: Any, default: int) -> int:
    return past if isinstance(past, int) and not isinstance(past, bool) else default
