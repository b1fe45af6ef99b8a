"""The SDK's state machine with what it lacks for more than one process and more than a few jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

from resonate.connections.local import (
    I64_MAX,
    DurablePromise,
    OutgoingMessage,
    PTimeout,
    ScheduleStub,
    ServerState,
    Task,
    TTimeout,
    extract_action_data,
    extract_tags,
    require_str,
)
from resonate.error import ServerError

from resonate_scaffold.devserver import cron, rules
from resonate_scaffold.devserver.deadlines import Deadlines

_NOBODY = cast("set[str]", frozenset())


class Schedule(ScheduleStub, kw_only=True):
    """A schedule that knows when it runs (ms); `next_run_at` is None once no time matches any more."""

    next_run_at: int | None
    last_run_at: int | None = None

    def to_record(self) -> dict[str, Any]:
        return {**super().to_record(), "nextRunAt": self.next_run_at or 0, "lastRunAt": self.last_run_at}


MOST_BROUGHT_ALONG = 100
"""So many promises of a run come along with the answer for one of them."""


class EngineState(ServerState):
    """`ServerState`, the same answer for answer, but for this:

    - No step walks all promises, tasks or deadlines: what shares a branch, who awaits what and what falls
      due next are indexed. So a job costs the same among ten and among ten thousand.
    - Ids and tags are checked (`rules`).
    - A lease is fenced by its version: acquire, release, suspend and fulfil with a version that is no longer
      the task's are refused (409), as the Resonate server does. Otherwise a process that lost its lease
      could settle a task that another one is running.
    - Schedules fire (`tick`).
    - An answer to `task.fence` brings along the other promises of its branch only while they are few: a run knows
      them, and with a thousand steps it was sent a thousand of them with each.

    Deterministic: the same (now, request) and (now, tick) sequence gives the same state.
    """

    _fencing = False

    def __init__(self) -> None:
        super().__init__()
        self.promise_deadlines = Deadlines()
        self.task_deadlines = Deadlines()
        self.schedule_deadlines = Deadlines()
        self._branches: defaultdict[str, list[str]] = defaultdict(list)
        self._awaiting: defaultdict[str, set[str]] = defaultdict(set)
        self._executes: dict[str, OutgoingMessage] = {}

    # -- what the engine around it needs ---------------------------------------------------------------------

    def apply(self, now: int, req: Any) -> dict[str, Any]:
        """Apply one flat request at `now` (ms), return the flat response; ServerError when it is refused."""
        self._executes.clear()
        if isinstance(req, dict) and req.get("kind") == "task.get":
            return self.task_get(now, str(req.get("id", "")))
        return super().apply(now, req)

    def task_get(self, now: int, task_id: str) -> dict[str, Any]:
        """A task as it stands; one whose promise has ended, or should have, is fulfilled. It changes nothing."""
        task = self.tasks.get(task_id)
        if task is None:
            return {"kind": "task.get", "status": 404}
        promise = self.promises[task_id]
        ended = promise.state != "pending" or now >= promise.timeout_at
        record = {"id": task.id, "state": "fulfilled" if ended else task.state, "version": task.version}
        held = {} if ended or task.state != "acquired" else {"ttl": task.ttl, "pid": task.pid}
        return {
            "kind": "task.get",
            "status": 200,
            "task": {**record, "resumes": 0 if ended else len(task.resumes), **held},
        }

    def drain(self) -> list[OutgoingMessage]:
        """Take the messages that the last request or tick has produced."""
        messages, self.outgoing = self.outgoing, []
        self._executes.clear()
        return messages

    def is_read(self, now: int, req: Any) -> bool:
        """Whether the request cannot change anything at `now`, so that a journal need not know of it."""
        match req.get("kind"):
            case "schedule.get" | "schedule.search" | "task.get":
                return True
            case "promise.get":
                # Reading a promise past its deadline times it out.
                promise = self.promises.get(str(req.get("id", "")))
                return promise is None or promise.state != "pending" or now < promise.timeout_at
        return False

    def is_due(self, now: int) -> bool:
        """Whether a tick at `now` would change anything."""
        deadlines = (self.promise_deadlines, self.task_deadlines, self.schedule_deadlines)
        return any((at := each.next()) is not None and at <= now for each in deadlines)

    def is_pending(self, task_id: str, version: int) -> bool:
        """Whether the task waits for somebody to take it, still at this version."""
        task = self.tasks.get(task_id)
        return task is not None and task.state == "pending" and task.version == version

    def rearm_leases(self, now: int) -> None:
        """Give every running task its whole lease again: nobody could renew it while the engine was down."""
        for task in self.tasks.values():
            if task.state == "acquired":
                self.task_deadlines.set(task.id, min(now + (task.ttl or 0), I64_MAX))

    def pending_executes(self, now: int) -> Iterator[tuple[str, str, int]]:
        """Yield (address, task id, version) of every task that waits to be taken, not for a later time."""
        for task in self.tasks.values():
            if task.state != "pending":
                continue
            tags = self.promises[task.id].tags
            address = tags.get("resonate:target")
            delay = tags.get("resonate:delay", "")
            # A delay only holds back the first delivery: a task that ran has a higher version.
            deferred = task.version == 0 and delay.isdecimal() and now < int(delay)
            if address is not None and not deferred:
                yield address, task.id, task.version

    def add_promise(self, promise: DurablePromise) -> None:
        """Put back a promise that was saved, with all that the indexes say of it but its deadline."""
        self.promises[promise.id] = promise
        self._index(promise)
        for task_id in promise.awaiters:
            self._awaiting[task_id].add(promise.id)
        _forget_audience(promise)

    def add_schedule(self, schedule: Schedule) -> None:
        self.schedules[schedule.id] = schedule
        if schedule.next_run_at is not None:
            self.schedule_deadlines.set(schedule.id, schedule.next_run_at)

    # -- time ------------------------------------------------------------------------------------------------

    def tick(self, now: int) -> None:
        """Settle what has timed out, take back lapsed leases, send unclaimed tasks again, fire schedules."""
        self._executes.clear()
        # The inherited tick reads these lists once, at its start: given only what is due, it does not scan.
        self.p_timeouts = [PTimeout(id=id, timeout=now) for id in self.promise_deadlines.pop_due(now)]
        self.t_timeouts = [
            TTimeout(id=id, typ=1 if self.tasks[id].state == "acquired" else 0, timeout=now)
            for id in self.task_deadlines.pop_due(now)
        ]
        super().tick(now)
        self.p_timeouts, self.t_timeouts = [], []
        for schedule_id in self.schedule_deadlines.pop_due(now):
            self._fire(schedule_id, now)

    def _fire(self, schedule_id: str, now: int) -> None:
        """Create the promise of one due run, and plan the next.

        Like the Resonate server: every run that was missed is made up for, one a tick, oldest first; its
        deadline counts from when it was due, so one that is late beyond its timeout is born timed out.
        """
        schedule = self.schedules[schedule_id]
        assert isinstance(schedule, Schedule) and schedule.next_run_at is not None
        due = schedule.next_run_at
        promise_id = _promise_id(schedule.promise_id, schedule.id, due)
        tags = {
            **extract_tags({"tags": schedule.promise_tags}),
            "resonate:schedule": schedule.id,
            "resonate:origin": promise_id,
            "resonate:branch": promise_id,
            "resonate:parent": promise_id,
            "resonate:prefix": promise_id,
        }
        request = {
            "id": promise_id,
            "timeoutAt": min(due + schedule.promise_timeout, I64_MAX),
            "param": schedule.promise_param,
            "tags": tags,
        }
        self.promise_create(now, None, request)
        schedule.last_run_at = due
        schedule.next_run_at = cron.next_run(schedule.cron, due)
        self.add_schedule(schedule)

    # -- checks ----------------------------------------------------------------------------------------------

    def promise_create(self, now: int, corr_id: Any, req: Any) -> dict[str, Any]:
        promise_id = require_str(req, "id")
        rules.check_lineage(promise_id, extract_tags(req))
        known = promise_id in self.promises
        response = super().promise_create(now, corr_id, req)
        if not known:
            self._index(self.promises[promise_id])
        return response

    def promise_settle(self, now: int, corr_id: Any, req: Any) -> dict[str, Any]:
        rules.check_settle_state(req.get("state"))
        return super().promise_settle(now, corr_id, req)

    def task_create(self, now: int, corr_id: Any, req: Any) -> dict[str, Any]:
        wanted = extract_action_data(req.get("action"))
        promise_id = require_str(wanted, "id")
        rules.check_lineage(promise_id, extract_tags(wanted))
        known = promise_id in self.promises
        response = super().task_create(now, corr_id, req)
        if not known and promise_id in self.promises:
            self._index(self.promises[promise_id])
        return response

    def task_acquire(self, now: int, corr_id: Any, req: Any) -> dict[str, Any]:
        return self._stale(corr_id, req) or super().task_acquire(now, corr_id, req)

    def task_release(self, now: int, corr_id: Any, req: Any) -> dict[str, Any]:
        return self._stale(corr_id, req) or super().task_release(now, corr_id, req)

    def task_fulfill(self, now: int, corr_id: Any, req: Any) -> dict[str, Any]:
        settle = extract_action_data(req.get("action"))
        rules.check_settle_state(settle.get("state") if isinstance(settle, dict) else None)
        return self._stale(corr_id, req) or super().task_fulfill(now, corr_id, req)

    def task_suspend(self, now: int, corr_id: Any, req: Any) -> dict[str, Any]:
        task_id = require_str(req, "id")
        actions = req.get("actions")
        awaited = [extract_action_data(action) for action in actions] if isinstance(actions, list) else []
        awaited_ids = [require_str(each, "awaited") for each in awaited]
        for awaited_id in awaited_ids:
            rules.check_same_origin(task_id, awaited_id)
        response = self._stale(corr_id, req) or super().task_suspend(now, corr_id, req)
        for awaited_id in awaited_ids:
            promise = self.promises.get(awaited_id)
            if promise is not None and task_id in promise.awaiters:
                self._awaiting[task_id].add(awaited_id)
        return response

    def task_fence(self, now: int, corr_id: Any, req: Any) -> dict[str, Any]:
        self._fencing = True
        try:
            return super().task_fence(now, corr_id, req)
        finally:
            self._fencing = False

    def _stale(self, corr_id: Any, req: Any) -> dict[str, Any] | None:
        """The refusal of a request whose version is no longer the task's; None when it may go on."""
        task, version = self.tasks.get(require_str(req, "id")), req.get("version")
        if task is None or not isinstance(version, int) or version == task.version:
            return None
        error = f"task {task.id} is at version {task.version}, not {version}: its lease has passed on"
        return {"kind": req.get("kind"), "corrId": corr_id, "status": 409, "error": error}

    # -- schedules -------------------------------------------------------------------------------------------

    def schedule_create(self, now: int, corr_id: Any, req: Any) -> dict[str, Any]:
        schedule_id = require_str(req, "id")
        known = schedule_id in self.schedules
        expression, template = require_str(req, "cron"), require_str(req, "promiseId")
        rules.check_id(schedule_id)
        # Each run is the root of a lineage. A sample of its id shows whether it can be one.
        rules.check_root_id(_promise_id(template, schedule_id, now))
        try:
            next_run_at = cron.next_run(expression, now)
        except ValueError as error:
            raise ServerError(400, str(error)) from error
        if next_run_at is None:
            raise ServerError(400, f"this cron expression never runs: {expression!r}")
        response = super().schedule_create(now, corr_id, req)
        if not known and schedule_id in self.schedules:
            stub = self.schedules[schedule_id]
            schedule = Schedule(**{f: getattr(stub, f) for f in stub.__struct_fields__}, next_run_at=next_run_at)
            self.add_schedule(schedule)
            response["schedule"] = schedule.to_record()
        return response

    def schedule_delete(self, corr_id: Any, req: Any) -> dict[str, Any]:
        self.schedule_deadlines.discard(require_str(req, "id"))
        return super().schedule_delete(corr_id, req)

    # -- indexes in place of scans ---------------------------------------------------------------------------

    def _index(self, promise: DurablePromise) -> None:
        branch = promise.tags.get("resonate:branch")
        if branch is not None:
            self._branches[branch].append(promise.id)

    def preload(self, promise_id: str) -> list[dict[str, Any]]:
        promise = self.promises.get(promise_id)
        branch = promise.tags.get("resonate:branch") if promise is not None else None
        known = self._branches.get(branch, ()) if branch is not None else ()
        if self._fencing and len(known) > MOST_BROUGHT_ALONG:
            return []
        return [self.promises[id].to_record() for id in known if id != promise_id]

    def resume_awaiters(self, promise_id: str, now: int) -> None:
        promise = self.promises.get(promise_id)
        for task_id in promise.awaiters if promise is not None else ():
            self._stop_awaiting(task_id, promise_id)
        super().resume_awaiters(promise_id, now)

    def notify_subscribers(self, promise_id: str) -> None:
        super().notify_subscribers(promise_id)  # the last step of every settlement
        if (promise := self.promises.get(promise_id)) is not None:
            _forget_audience(promise)

    def _stop_awaiting(self, task_id: str, promise_id: str) -> None:
        awaited = self._awaiting.get(task_id)
        if awaited is not None:
            awaited.discard(promise_id)
            if not awaited:
                del self._awaiting[task_id]

    def enqueue_settle(self, promise_id: str) -> None:
        task = self.tasks.get(promise_id)
        if task is None or task.state == "fulfilled":
            super().enqueue_settle(promise_id)  # neither case scans
            return
        _fulfil(task)
        self.del_t_timeout(promise_id)
        for awaited_id in self._awaiting.pop(promise_id, ()):
            self.promises[awaited_id].awaiters.discard(promise_id)

    def set_p_timeout(self, promise_id: str, timeout: int) -> None:
        self.promise_deadlines.set(promise_id, timeout)

    def del_p_timeout(self, promise_id: str) -> None:
        self.promise_deadlines.discard(promise_id)

    def set_t_timeout(self, task_id: str, typ: int, timeout: int) -> None:
        # The type needs no keeping: a lease (1) is an acquired task's, a retry (0) a pending task's.
        self.task_deadlines.set(task_id, timeout)

    def del_t_timeout(self, task_id: str) -> None:
        self.task_deadlines.discard(task_id)

    def send_execute_message(self, address: str, task_id: str, version: int) -> None:
        message = {"kind": "execute", "data": {"task": {"id": task_id, "version": version}}}
        queued = self._executes.get(task_id)
        if queued is None:
            queued = self._executes[task_id] = OutgoingMessage(address=address, message=message)
            self.outgoing.append(queued)
        else:
            queued.address, queued.message = address, message


def _forget_audience(promise: DurablePromise) -> None:
    """Let go of a settled promise's two empty sets, a fifth of its memory: nobody waits for it any more.

    What is there instead cannot be added to, so that a mistake would show.
    """
    if promise.state != "pending" and not promise.awaiters and not promise.subscribers:
        promise.awaiters = promise.subscribers = _NOBODY


def _fulfil(task: Task) -> None:
    task.state = "fulfilled"
    task.pid = None
    task.ttl = None
    task.resumes.clear()


def _promise_id(template: str, schedule_id: str, due: int) -> str:
    return template.replace("{{.id}}", schedule_id).replace("{{.timestamp}}", str(due))
