"""Requests about promises."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from resonate_scaffold.devserver.protocol import requests as ask
from resonate_scaffold.devserver.protocol.records import (
    EMPTY,
    Promise,
    PromiseRecord,
    PromiseState,
    Task,
    Value,
    timed_out,
)
from resonate_scaffold.devserver.protocol.requests import Refused
from resonate_scaffold.devserver.protocol.search import MOST_AT_ONCE, page
from resonate_scaffold.devserver.protocol.state import State


def get(state: State, now: int, request: ask.PromiseGet) -> dict[str, Any]:
    expire(state, now, request.id)
    return {"promise": known(state, request.id).record}


def create(state: State, now: int, request: ask.PromiseCreate) -> dict[str, Any]:
    expire(state, now, request.id)
    return {"promise": create_or_find(state, now, request).record}


def settle(state: State, now: int, request: ask.PromiseSettle) -> dict[str, Any]:
    expire(state, now, request.id)
    return {"promise": settle_or_find(state, now, request).record}


def register_callback(state: State, now: int, request: ask.PromiseRegisterCallback) -> dict[str, Any]:
    """Resume the task of `awaiter` when `awaited` settles; at once if it has."""
    expire(state, now, request.awaited, request.awaiter)
    awaited, awaiter = state.find(request.awaited), state.find(request.awaiter)
    task = awaiter.task if awaiter is not None else None
    if awaited is not None and awaiter is not None and task is not None:
        if not awaited.is_pending:
            state.resume(awaiter, now)
            if task.state in ("pending", "acquired"):
                task.resumed.add(awaited.id)
        elif awaiter.is_pending:
            awaited.awaiters.add(awaiter.id)
            task.awaiting.add(awaited.id)
    if awaited is None:
        raise Refused(404, f"awaited promise not found: {request.awaited}")
    if awaiter is None:
        raise Refused(422, f"awaiter promise not found: {request.awaiter}")
    if awaiter.target is None:
        raise Refused(422, f"awaiter promise has no resonate:target tag: {request.awaiter}")
    return {"promise": awaited.record}


def register_listener(state: State, now: int, request: ask.PromiseRegisterListener) -> dict[str, Any]:
    """Send `address` a message when `awaited` settles."""
    expire(state, now, request.awaited)
    promise = known(state, request.awaited)
    if promise.is_pending:
        promise.listeners.add(request.address)
    return {"promise": promise.record}


def search(state: State, now: int, request: ask.PromiseSearch) -> dict[str, Any]:
    """Promises by id. Those whose time is over are as they were last seen."""
    found, cursor = page(
        state.search_promises(request.state, request.tags, request.cursor), request.limit or MOST_AT_ONCE
    )
    return {"promises": [promise.record for promise in found], **cursor}


def expire(state: State, now: int, *ids: str) -> None:
    """End those of these promises whose time is over, before a request looks at them."""
    over = {id: promise for id in ids if (promise := state.find(id)) is not None and promise.is_over(now)}
    if over:
        time_out(state, over.values(), now)


def time_out(state: State, over: Iterable[Promise], now: int) -> None:
    """End promises whose time is over: first all of them, then their tasks, so that none resumes another's."""
    over = list(over)
    for promise in over:
        record = promise.record
        record.state, record.settled_at = timed_out(record.tags), record.timeout_at
        state.promise_deadlines.discard(promise.id)
    for promise in over:
        state.close_task(promise)
    for promise in over:
        state.announce(promise, now)


def known(state: State, id: str) -> Promise:
    """The promise; Refused when there is none."""
    promise = state.find(id)
    if promise is None:
        raise Refused(404, "Promise not found")
    return promise


def create_or_find(state: State, now: int, request: ask.PromiseCreate) -> Promise:
    """The promise of this id: as it is, else new, and its task offered."""
    known = state.find(request.id)
    if known is not None:
        return known
    promise = new(request, now)
    add(state, promise, now)
    return promise


def add(state: State, promise: Promise, now: int) -> None:
    """Put in a new promise with its task, and offer that: at once, or not before the time (ms) in `resonate:delay`."""
    if promise.target is not None:
        promise.task = Task("pending" if promise.is_pending else "fulfilled")
    state.add(promise)
    if promise.task is not None and promise.is_pending:
        delay = promise.record.tags.get("resonate:delay", "")
        if delay.isdecimal() and now < int(delay):
            state.task_deadlines.set(promise.id, int(delay))
        else:
            state.offer(promise, now)


def new(request: ask.PromiseCreate, now: int) -> Promise:
    """A promise as it is made at `now`, without a task yet: one whose time is over has ended then."""
    at, is_over = request.timeout_at, request.timeout_at <= now
    promise_state: PromiseState = timed_out(request.tags) if is_over else "pending"
    return Promise(
        PromiseRecord(
            id=request.id,
            state=promise_state,
            param=request.param,
            value=EMPTY,
            tags=request.tags,
            timeout_at=at,
            created_at=at if is_over else now,
            settled_at=at if is_over else None,
        )
    )


def settle_or_find(state: State, now: int, request: ask.PromiseSettle) -> Promise:
    """The promise of this id, settled: by this request, if none was first. Refused when there is none."""
    promise = known(state, request.id)
    if promise.is_pending:
        end(state, promise, request.state, request.value, now)
    return promise


def end(state: State, promise: Promise, how: PromiseState, value: Value, now: int) -> None:
    """Settle a pending promise, end its task, and tell who waits."""
    record = promise.record
    record.state, record.value, record.settled_at = how, value, now
    state.promise_deadlines.discard(promise.id)
    state.close_task(promise)
    state.announce(promise, now)
