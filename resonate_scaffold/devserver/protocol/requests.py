"""What may be asked, and what is refused before anything is looked at.

A request is parsed as the Resonate server does it: unknown fields are ignored, the others must have their type, and
null is a value only where a field may be left out for it. What later servers and the SDK's own refuse beside that is
in `check_lineage`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Raw, Struct, field

from resonate_scaffold.devserver.protocol import cron
from resonate_scaffold.devserver.protocol.ids import extends, root_of
from resonate_scaffold.devserver.protocol.records import EMPTY, I64_MAX, PromiseState, TaskState, Value

type Id = Annotated[str, Meta(min_length=1)]
type Text = Annotated[str, Meta(min_length=1)]
type I64 = Annotated[int, Meta(ge=-I64_MAX - 1, le=I64_MAX)]
type Natural = Annotated[int, Meta(ge=0, le=I64_MAX)]
type Positive = Annotated[int, Meta(ge=1, le=I64_MAX)]
type Tags = dict[str, str]
type SettleState = Literal["resolved", "rejected", "rejected_canceled"]

_MOST_FOUND = 1000
type Limit = Annotated[int, Meta(ge=1, le=_MOST_FOUND)]


class Refused(Exception):
    """A request that is not carried out: a status from 400 on, and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Request(Struct, rename="camel", gc=False):
    """The data of one kind of request."""

    kind: ClassVar[str]

    def check(self) -> None:
        """Refused where the fields, each valid, do not go together."""


class PromiseGet(Request):
    kind = "promise.get"
    id: Id


class PromiseCreate(Request):
    kind = "promise.create"
    id: Id
    timeout_at: Natural
    param: Value = EMPTY
    tags: Tags = field(default_factory=dict)

    def check(self) -> None:
        if "\0" in self.id:
            raise Refused(400, "a promise id must not contain null bytes")
        _check_address(self.tags.get("resonate:target"), "resonate:target")


class PromiseSettle(Request):
    kind = "promise.settle"
    id: Id
    state: SettleState
    value: Value = EMPTY


class PromiseRegisterCallback(Request):
    kind = "promise.register_callback"
    awaited: Id
    awaiter: Id

    def check(self) -> None:
        if self.awaited == self.awaiter:
            raise Refused(400, "a promise cannot await itself")


class PromiseRegisterListener(Request):
    kind = "promise.register_listener"
    awaited: Id
    address: Text

    def check(self) -> None:
        _check_address(self.address, "address")


class PromiseSearch(Request):
    kind = "promise.search"
    state: PromiseState | None = None
    tags: Tags | None = None
    limit: Limit | None = None
    cursor: str | None = None


class TaskGet(Request):
    kind = "task.get"
    id: Id


class _CreateAction(Struct, gc=False):
    kind: str
    head: Any
    data: PromiseCreate


class TaskCreate(Request):
    kind = "task.create"
    pid: Text
    ttl: Positive
    action: _CreateAction

    def check(self) -> None:
        self.action.data.check()
        if "resonate:target" not in self.action.data.tags:
            raise Refused(400, "the action must have a resonate:target tag")


class TaskAcquire(Request):
    kind = "task.acquire"
    id: Id
    version: Natural
    pid: Text
    ttl: Positive


class TaskRelease(Request):
    kind = "task.release"
    id: Id
    version: Natural


class _SettleAction(Struct, gc=False):
    kind: str
    head: Any
    data: PromiseSettle


class TaskFulfill(Request):
    kind = "task.fulfill"
    id: Id
    version: Natural
    action: _SettleAction

    def check(self) -> None:
        if self.action.data.id != self.id:
            raise Refused(400, "the action must settle the promise of the task")


class _CallbackAction(Struct, gc=False):
    kind: str
    head: Any
    data: PromiseRegisterCallback


class TaskSuspend(Request):
    kind = "task.suspend"
    id: Id
    version: Natural
    actions: Annotated[list[_CallbackAction], Meta(min_length=1)]

    def check(self) -> None:
        for action in self.actions:
            action.data.check()
            if action.data.awaiter != self.id:
                raise Refused(400, "the awaiter of each action must be the task")


class _FencedAction(Struct, gc=False):
    kind: str
    data: Raw


class _TaskFence(Request):
    """A fence whose action is not read yet."""

    id: Id
    version: Natural
    action: _FencedAction


class TaskFence(Request):
    """A fence; an action that is not valid is refused only when what is over has ended."""

    kind = "task.fence"
    id: str
    version: int
    action_id: str
    action: PromiseCreate | PromiseSettle | Refused


class _Beat(Struct, gc=False):
    id: str
    version: I64


class TaskHeartbeat(Request):
    kind = "task.heartbeat"
    pid: Text
    tasks: list[_Beat]


class TaskHalt(Request):
    kind = "task.halt"
    id: Id


class TaskContinue(Request):
    kind = "task.continue"
    id: Id


class TaskSearch(Request):
    kind = "task.search"
    state: TaskState | None = None
    limit: Limit | None = None
    cursor: str | None = None


class ScheduleGet(Request):
    kind = "schedule.get"
    id: Id


class ScheduleCreate(Request):
    kind = "schedule.create"
    id: Id
    cron: Text
    promise_id: Text
    promise_timeout: Natural
    promise_param: Value = EMPTY
    promise_tags: Tags = field(default_factory=dict)

    def check(self) -> None:
        if not cron.is_valid(self.cron):
            raise Refused(400, f"not a cron expression: {self.cron!r}")


class ScheduleDelete(Request):
    kind = "schedule.delete"
    id: Id


class ScheduleSearch(Request):
    kind = "schedule.search"
    tags: Tags | None = None
    limit: Limit | None = None
    cursor: str | None = None


KINDS: dict[str, type[Request]] = {
    each.kind: each
    for each in (
        *(PromiseGet, PromiseCreate, PromiseSettle, PromiseRegisterCallback, PromiseRegisterListener, PromiseSearch),
        *(TaskGet, TaskCreate, TaskAcquire, TaskRelease, TaskFulfill, TaskSuspend, TaskHeartbeat, TaskHalt),
        *(TaskContinue, TaskSearch, ScheduleGet, ScheduleCreate, ScheduleDelete, ScheduleSearch),
    )
}
_decoders = {kind: msgspec.json.Decoder(each) for kind, each in KINDS.items()}
_decode_fence = msgspec.json.Decoder(_TaskFence).decode


def parse(kind: str, data: bytes | Raw) -> Request:
    """The request of this kind with this data, a JSON object; Refused (400) when it is none."""
    request = _parse_fence(data) if kind == TaskFence.kind else _parse(kind, data)
    return request


def _parse(kind: str, data: bytes | Raw) -> Request:
    decoder = _decoders.get(kind)
    if decoder is None:
        raise Refused(400, f"unknown kind of request: {kind}")
    try:
        request = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"invalid request: {error}") from error
    request.check()
    return request


def _parse_fence(data: bytes | Raw) -> TaskFence:
    try:
        fence = _decode_fence(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"invalid request: {error}") from error
    action: PromiseCreate | PromiseSettle | Refused
    try:
        if fence.action.kind not in (PromiseCreate.kind, PromiseSettle.kind):
            raise Refused(400, f"a fence cannot hold {fence.action.kind}")
        action = _parse(fence.action.kind, fence.action.data)  # type: ignore[assignment]
        action_id = action.id  # type: ignore[union-attr]
    except Refused as refused:
        action, named = refused, msgspec.json.decode(fence.action.data)
        found = named.get("id") if isinstance(named, dict) else None
        action_id = found if isinstance(found, str) else ""
    if action_id == fence.id:
        raise Refused(400, "a fence cannot hold a request about its own task")
    return TaskFence(fence.id, fence.version, action_id, action)


def check_lineage(request: Request) -> None:
    """Refuse what v0.9.8 takes and later servers do not: ids that do not extend the ancestors that their tags name.

    ``root`` is extended by ``root:1``, ``root:1`` by ``root:1.1``. An id without these tags is free. A task may only
    await what has its own root.
    """
    match request:
        case PromiseCreate():
            _check_ancestors(request.id, request.tags)
        case TaskCreate():
            _check_ancestors(request.action.data.id, request.action.data.tags)
        case TaskFence(action=PromiseCreate() as wanted):
            _check_ancestors(wanted.id, wanted.tags)
        case PromiseRegisterCallback():
            _check_same_root(request.awaiter, request.awaited)
        case TaskSuspend():
            for action in request.actions:
                _check_same_root(request.id, action.data.awaited)
        case ScheduleCreate():
            # Each run is a root. A sample of its id shows whether it can be one.
            _check_root(promise_id_of(request.promise_id, request.id, 0))


def promise_id_of(template: str, schedule_id: str, at: int) -> str:
    """The id of the promise that a schedule makes at this time (ms)."""
    return template.replace("{{.id}}", schedule_id).replace("{{.timestamp}}", str(at))


def _check_ancestors(id: str, tags: Mapping[str, str]) -> None:
    origin = tags.get("resonate:origin")
    if origin is not None:
        _check_root(origin)
    for tag in ("resonate:origin", "resonate:branch", "resonate:parent"):
        ancestor = tags.get(tag)
        if ancestor is not None and not extends(id, ancestor):
            raise Refused(400, f"promise id {id!r} must extend its {tag} {ancestor!r}")


def _check_root(id: str) -> None:
    if ":" in id:
        raise Refused(400, f"resonate:origin must not contain ':': {id!r}")


def _check_same_root(awaiter: str, awaited: str) -> None:
    if root_of(awaiter) != root_of(awaited):
        raise Refused(400, f"task {awaiter!r} cannot await {awaited!r}: not the same origin")


def _check_address(address: str | None, what: str) -> None:
    if address is not None and not _is_address(address):
        raise Refused(400, f"{what} is no address: {address!r}")


@lru_cache(maxsize=1024)  # asked of every promise, and the targets are few
def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    match parts.scheme:
        case "http" | "https":
            return bool(host)
        case "poll":
            return parts.username in ("any", "uni") and bool(host)
        case "gcps":
            return bool(host) and len(parts.path) > 1
        case "bash":
            return True
    return False
