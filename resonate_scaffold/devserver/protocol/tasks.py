"""Requests about tasks: the work that promises with a target are."""

from __future__ import annotations

from typing import Any

from resonate_scaffold.devserver.protocol import promises, requests as ask
from resonate_scaffold.devserver.protocol.records import I64_MAX, Answer, Promise, PromiseRecord, Task
from resonate_scaffold.devserver.protocol.requests import Refused
from resonate_scaffold.devserver.protocol.search import MOST_AT_ONCE, page
from resonate_scaffold.devserver.protocol.state import State

PROTOCOL_VERSION = "2026-04-01"

#: So many promises of a run come along with the answer to `task.fence`. The run knows them, and one of a thousand steps
#: would be sent a thousand with each. The server sends them all.
MOST_BROUGHT_ALONG = 100


def get(state: State, now: int, request: ask.TaskGet) -> dict[str, Any]:
    promises.expire(state, now, request.id)
    return {"task": _known(state, request.id).task_record()}


def create(state: State, now: int, request: ask.TaskCreate) -> dict[str, Any]:
    """Make a promise and take its task, or take that of one that waits."""
    wanted = request.action.data
    promises.expire(state, now, wanted.id)
    promise = state.find(wanted.id)
    if promise is None:
        promise = promises.new(wanted, now)
        promise.task = Task("pending" if promise.is_pending else "fulfilled")
        state.add(promise)
    elif promise.task is None:
        raise Refused(422, f"promise exists without a task: {wanted.id}")
    match promise.task.state:
        case "pending":
            state.lease(promise, request.pid, request.ttl, now)
            return _taken(state, promise)
        case "fulfilled":
            return {"task": promise.task_record(), "promise": promise.record, "preload": []}
        case held:
            raise Refused(409, f"task {wanted.id} is {held}")


def acquire(state: State, now: int, request: ask.TaskAcquire) -> dict[str, Any]:
    promises.expire(state, now, request.id)
    promise = _known(state, request.id)
    _check(promise, "pending", request.version)
    state.lease(promise, request.pid, request.ttl, now)
    return _taken(state, promise)


def release(state: State, now: int, request: ask.TaskRelease) -> dict[str, Any]:
    promises.expire(state, now, request.id)
    promise = _known(state, request.id)
    _check(promise, "acquired", request.version)
    state.set_task_state(promise, "pending")
    state.offer(promise, now)
    return {}


def fulfill(state: State, now: int, request: ask.TaskFulfill) -> dict[str, Any]:
    promises.expire(state, now, request.id)
    promise = _known(state, request.id)
    _check(promise, "acquired", request.version)
    settle = request.action.data
    promises.end(state, promise, settle.state, settle.value, now)
    return {"promise": promise.record}


def suspend(state: State, now: int, request: ask.TaskSuspend) -> tuple[int, dict[str, Any]]:
    """Let a task wait for other promises. Status 300: one of them has settled, so go on."""
    ids = {action.data.awaited for action in request.actions}
    promises.expire(state, now, request.id, *sorted(ids))
    promise = _known(state, request.id)
    task = _check(promise, "acquired", request.version)
    awaited = [found for id in ids if (found := state.find(id)) is not None]
    if len(awaited) < len(ids):
        raise Refused(422, f"awaited promises not found: {', '.join(sorted(ids - {one.id for one in awaited}))}")
    task.resumed.clear()
    if not all(one.is_pending for one in awaited):
        return 300, {"preload": _preload(state, promise)}
    for one in awaited:
        one.awaiters.add(promise.id)
        task.awaiting.add(one.id)
    state.set_task_state(promise, "suspended")
    state.task_deadlines.discard(promise.id)
    return 200, {}


def fence(state: State, now: int, request: ask.TaskFence) -> dict[str, Any]:
    """Make or settle another promise, if the task is still this process's."""
    promises.expire(state, now, request.id, request.action_id)
    action = request.action
    if isinstance(action, Refused):
        raise action
    promise = _known(state, request.id)
    _check(promise, "acquired", request.version)
    try:
        if isinstance(action, ask.PromiseCreate):
            other = promises.create_or_find(state, now, action)
        else:
            other = promises.settle_or_find(state, now, action)
        done = Answer(200, {"promise": other.record})
    except Refused as refused:
        done = Answer(refused.status, refused.reason)
    # The engine puts in the request's corrId.
    head = {"corrId": "", "status": done.status, "version": PROTOCOL_VERSION}
    many = promise.branch is not None and len(state.branches[promise.branch]) > MOST_BROUGHT_ALONG
    preload = [] if many else _preload(state, promise)
    return {"action": {"kind": action.kind, "head": head, "data": done.data}, "preload": preload}


def heartbeat(state: State, now: int, request: ask.TaskHeartbeat) -> dict[str, Any]:
    """Begin the leases of a process anew: of those tasks that are still its own."""
    for named in request.tasks:
        promise = state.find(named.id)
        task = promise.task if promise is not None else None
        if task is not None and task.state == "acquired" and (task.pid, task.version) == (request.pid, named.version):
            assert task.ttl is not None
            state.task_deadlines.set(named.id, min(now + task.ttl, I64_MAX))
    return {}


def halt(state: State, now: int, request: ask.TaskHalt) -> dict[str, Any]:
    """Put a task aside until `task.continue`."""
    promises.expire(state, now, request.id)
    promise = _known(state, request.id)
    assert promise.task is not None
    if promise.task.state == "fulfilled":
        raise Refused(409, f"task {request.id} is fulfilled")
    state.set_task_state(promise, "halted")
    state.task_deadlines.discard(promise.id)
    return {}


def continue_(state: State, now: int, request: ask.TaskContinue) -> dict[str, Any]:
    promises.expire(state, now, request.id)
    promise = _known(state, request.id)
    task = promise.task
    assert task is not None
    if task.state != "halted":
        raise Refused(409, f"task {request.id} is {task.state}, not halted")
    state.set_task_state(promise, "pending")
    state.offer(promise, now)
    return {}


def search(state: State, now: int, request: ask.TaskSearch) -> dict[str, Any]:
    found, cursor = page(state.search_tasks(request.state, request.cursor), request.limit or MOST_AT_ONCE)
    return {"tasks": [promise.task_record() for promise in found], **cursor}


def _known(state: State, id: str) -> Promise:
    promise = state.find(id)
    if promise is None or promise.task is None:
        raise Refused(404, f"task not found: {id}")
    return promise


def _check(promise: Promise, wanted: str, version: int) -> Task:
    """The task, in this state and at this version; Refused otherwise: its lease has passed on."""
    task = promise.task
    assert task is not None
    if task.state != wanted or task.version != version:
        why = f"task {promise.id} is {task.state} at version {task.version}, not {wanted} at version {version}"
        raise Refused(409, why)
    return task


def _taken(state: State, promise: Promise) -> dict[str, Any]:
    return {"task": promise.task_record(), "promise": promise.record, "preload": _preload(state, promise)}


def _preload(state: State, promise: Promise) -> list[PromiseRecord]:
    return [other.record for other in state.preload(promise)]
