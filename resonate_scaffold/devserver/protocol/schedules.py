"""Requests about schedules, and their runs."""

from __future__ import annotations

from typing import Any

from resonate_scaffold.devserver.protocol import cron, promises, requests as ask
from resonate_scaffold.devserver.protocol.records import I64_MAX, Schedule
from resonate_scaffold.devserver.protocol.requests import Refused
from resonate_scaffold.devserver.protocol.search import page
from resonate_scaffold.devserver.protocol.state import State


def get(state: State, now: int, request: ask.ScheduleGet) -> dict[str, Any]:
    return {"schedule": _known(state, request.id)}


def create(state: State, now: int, request: ask.ScheduleCreate) -> dict[str, Any]:
    schedule = state.schedules.get(request.id)
    if schedule is None:
        next_run_at = cron.next_run(request.cron, now)
        if next_run_at is None:
            raise Refused(400, f"this cron expression never runs: {request.cron!r}")
        schedule = Schedule(
            id=request.id,
            cron=request.cron,
            promise_id=request.promise_id,
            promise_timeout=request.promise_timeout,
            promise_param=request.promise_param,
            promise_tags=request.promise_tags,
            created_at=now,
            next_run_at=next_run_at,
        )
        state.add_schedule(schedule)
    return {"schedule": schedule}


def delete(state: State, now: int, request: ask.ScheduleDelete) -> dict[str, Any]:
    _known(state, request.id)
    del state.schedules[request.id]
    state.schedule_deadlines.discard(request.id)
    return {}


def search(state: State, now: int, request: ask.ScheduleSearch) -> dict[str, Any]:
    found, cursor = page(state.search_schedules(request.tags, request.cursor), request.limit or 10)
    return {"schedules": found, **cursor}


def fire(state: State, id: str, now: int) -> None:
    """Make the promise of one run that is due, and plan the next.

    Every run that was missed is made up for, one a tick, oldest first. Its time counts from when it was due, so one
    that is late beyond its time-out has ended when it is made.
    """
    schedule = state.schedules[id]
    due = schedule.next_run_at
    promise_id = ask.promise_id_of(schedule.promise_id, id, due)
    if state.find(promise_id) is None:
        lineage = ("resonate:origin", "resonate:branch", "resonate:parent", "resonate:prefix")
        tags = {**schedule.promise_tags, "resonate:schedule": id, **dict.fromkeys(lineage, promise_id)}
        timeout_at = min(due + schedule.promise_timeout, I64_MAX)
        promise = promises.new(ask.PromiseCreate(promise_id, timeout_at, schedule.promise_param, tags), now)
        promise.record.created_at = due
        promises.add(state, promise, due)
    schedule.last_run_at = due
    schedule.next_run_at = cron.next_run(schedule.cron, due) or 0
    state.add_schedule(schedule)


def _known(state: State, id: str) -> Schedule:
    schedule = state.schedules.get(id)
    if schedule is None:
        raise Refused(404, f"schedule not found: {id}")
    return schedule
