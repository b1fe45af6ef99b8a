"""Everything that an engine knows, with an index for each question that a request asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from resonate_scaffold.devserver.protocol.deadlines import Deadlines
from resonate_scaffold.devserver.protocol.records import (
    I64_MAX,
    Execute,
    Message,
    Promise,
    Schedule,
    Task,
    TaskState,
    Unblock,
)

#: A task that nobody has taken is offered again after this long.
OFFER_AGAIN_MS = 30_000


class State:
    """Promises by id, each with its task; schedules by id; what falls due and when; what shares a branch."""

    def __init__(self) -> None:
        self.promises: dict[str, Promise] = {}
        self.schedules: dict[str, Schedule] = {}
        self.promise_deadlines = Deadlines()
        self.task_deadlines = Deadlines()
        self.schedule_deadlines = Deadlines()
        self.branches: defaultdict[str, list[str]] = defaultdict(list)
        self.outgoing: list[Message] = []

    def find(self, id: str) -> Promise | None:
        return self.promises.get(id)

    def add(self, promise: Promise) -> None:
        """Put a promise in, new or saved, with all that the indexes say of it but its task's deadline."""
        record = promise.record
        self.promises[record.id] = promise
        if promise.branch is not None:
            self.branches[promise.branch].append(record.id)
        if promise.is_pending and promise.is_timed:
            self.promise_deadlines.set(record.id, record.timeout_at)

    def add_schedule(self, schedule: Schedule) -> None:
        self.schedules[schedule.id] = schedule
        if schedule.next_run_at:  # 0: it has had its last run
            self.schedule_deadlines.set(schedule.id, schedule.next_run_at)

    def is_due(self, now: int) -> bool:
        """Whether a tick at `now` would change anything."""
        deadlines = (self.promise_deadlines, self.task_deadlines, self.schedule_deadlines)
        return any((at := each.next()) is not None and at <= now for each in deadlines)

    def is_pending(self, task_id: str, version: int) -> bool:
        """Whether the task waits for somebody to take it, still at this version."""
        promise = self.find(task_id)
        task = promise.task if promise is not None else None
        return task is not None and task.state == "pending" and task.version == version

    def rearm_leases(self, now: int) -> None:
        """Begin every lease anew: nobody could renew one while the engine was down."""
        for promise in self.promises.values():
            if (task := promise.task) is not None and task.state == "acquired":
                self.task_deadlines.set(promise.id, min(now + (task.ttl or 0), I64_MAX))

    def waiting_offers(self, now: int) -> Iterator[Execute]:
        """An offer of every task that waits to be taken, and not for a later time."""
        for promise in self.promises.values():
            task, target = promise.task, promise.target
            if task is not None and target is not None and task.state == "pending":
                delay = promise.record.tags.get("resonate:delay", "")
                # A delay only holds back the first offer.
                if task.version or not delay.isdecimal() or now >= int(delay):
                    yield Execute(target, promise.id, task.version)

    def drain(self) -> list[Message]:
        """Take the messages that the last request or tick has produced."""
        messages, self.outgoing = self.outgoing, []
        return messages

    # -- searches --------------------------------------------------------------------------------------------

    def search_promises(self, state: str | None, tags: dict[str, str] | None, after: str | None) -> Iterator[Promise]:
        """Promises in this state and with these tags, by id from after `after`."""
        wanted = (tags or {}).items()
        for id in sorted(self.promises):
            promise = self.promises[id]
            is_next = after is None or id > after
            if is_next and state in (None, promise.record.state) and wanted <= promise.record.tags.items():
                yield promise

    def search_tasks(self, state: str | None, after: str | None) -> Iterator[Promise]:
        for id in sorted(self.promises):
            promise = self.promises[id]
            if promise.task is not None and (after is None or id > after) and state in (None, promise.task.state):
                yield promise

    def search_schedules(self, tags: dict[str, str] | None, after: str | None) -> Iterator[Schedule]:
        wanted = (tags or {}).items()
        for id in sorted(self.schedules):
            schedule = self.schedules[id]
            if (after is None or id > after) and wanted <= schedule.promise_tags.items():
                yield schedule

    # -- steps that several requests share -------------------------------------------------------------------

    def offer(self, promise: Promise, now: int) -> None:
        """Send a pending task to its target, and again in a while."""
        task, target = promise.task, promise.target
        assert task is not None and target is not None
        self.task_deadlines.set(promise.id, now + OFFER_AGAIN_MS)
        self.outgoing.append(Execute(target, promise.id, task.version))

    def lease(self, promise: Promise, pid: str, ttl: int, now: int) -> None:
        """Give a pending task to a process."""
        task = promise.task
        assert task is not None
        task.state, task.version, task.pid, task.ttl = "acquired", task.version + 1, pid, ttl
        task.resumed.clear()
        self.task_deadlines.set(promise.id, min(now + ttl, I64_MAX))

    def unlease(self, promise: Promise, state: TaskState) -> Task:
        """Take a task from its process, to another state."""
        task = promise.task
        assert task is not None
        task.state, task.pid, task.ttl = state, None, None
        return task

    def close_task(self, promise: Promise) -> None:
        """End the task of a promise that has settled: it awaits nothing any more."""
        task = promise.task
        if task is None or task.state == "fulfilled":
            return
        self.unlease(promise, "fulfilled")
        self.task_deadlines.discard(promise.id)
        for id in task.awaiting:
            if (awaited := self.find(id)) is not None:
                awaited.awaiters.discard(promise.id)
        task.awaiting, task.resumed = set(), set()

    def announce(self, promise: Promise, now: int) -> None:
        """Resume the tasks that await a settled promise, and tell its listeners."""
        for id in sorted(promise.awaiters):
            awaiter = self.find(id)
            assert awaiter is not None and awaiter.task is not None
            awaiter.task.awaiting.discard(promise.id)
            awaiter.task.resumed.add(promise.id)
            self.resume(awaiter, now)
        self.outgoing.extend(Unblock(address, promise.record) for address in sorted(promise.listeners))
        promise.awaiters, promise.listeners = set(), set()

    def resume(self, promise: Promise, now: int) -> None:
        """Offer a task that was suspended."""
        if promise.task is not None and promise.task.state == "suspended":
            promise.task.state = "pending"
            self.offer(promise, now)

    def preload(self, promise: Promise) -> list[Promise]:
        """The other promises of its branch, by id."""
        if promise.branch is None:
            return []
        return [self.promises[id] for id in sorted(self.branches[promise.branch]) if id != promise.id]
