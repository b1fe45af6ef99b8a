"""One request, or one tick, applied to a state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from resonate_scaffold.devserver.protocol import promises, requests as ask, schedules, tasks, timeouts
from resonate_scaffold.devserver.protocol.records import Answer, Message
from resonate_scaffold.devserver.protocol.requests import Refused, Request
from resonate_scaffold.devserver.protocol.state import State

_HANDLERS: dict[type[Request], Callable[[State, int, Any], Any]] = {
    ask.PromiseGet: promises.get,
    ask.PromiseCreate: promises.create,
    ask.PromiseSettle: promises.settle,
    ask.PromiseRegisterCallback: promises.register_callback,
    ask.PromiseRegisterListener: promises.register_listener,
    ask.PromiseSearch: promises.search,
    ask.TaskGet: tasks.get,
    ask.TaskCreate: tasks.create,
    ask.TaskAcquire: tasks.acquire,
    ask.TaskRelease: tasks.release,
    ask.TaskFulfill: tasks.fulfill,
    ask.TaskSuspend: tasks.suspend,
    ask.TaskFence: tasks.fence,
    ask.TaskHeartbeat: tasks.heartbeat,
    ask.TaskHalt: tasks.halt,
    ask.TaskContinue: tasks.continue_,
    ask.TaskSearch: tasks.search,
    ask.ScheduleGet: schedules.get,
    ask.ScheduleCreate: schedules.create,
    ask.ScheduleDelete: schedules.delete,
    ask.ScheduleSearch: schedules.search,
}


def apply(state: State, now: int, request: Request) -> tuple[Answer, list[Message]]:
    """Carry out one request at `now` (ms, never less than before): the answer, and the messages to send."""
    try:
        data = _HANDLERS[type(request)](state, now, request)
        answer = Answer(*data) if isinstance(data, tuple) else Answer(200, data)
    except Refused as refused:
        answer = Answer(refused.status, refused.reason)
    return answer, state.drain()


def tick(state: State, now: int) -> list[Message]:
    """Do what is due at `now` (ms): the messages to send."""
    timeouts.tick(state, now)
    return state.drain()


def changes_nothing(state: State, now: int, request: Request) -> bool:
    """Whether the request only reads, at `now`: a promise whose time is over ends when it is asked for."""
    match request:
        case ask.PromiseGet(id=id) | ask.TaskGet(id=id):
            promise = state.find(id)
            return promise is None or not promise.is_over(now)
        case ask.PromiseSearch() | ask.TaskSearch() | ask.ScheduleGet() | ask.ScheduleSearch():
            return True
    return False
