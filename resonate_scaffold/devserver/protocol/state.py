"""Everything that an engine knows, with an index for each question that a request asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from resonate_scaffold.devserver.protocol.deadlines import Deadlines
from resonate_scaffold.devserver.protocol.families import Packed, pack, unpack
from resonate_scaffold.devserver.protocol.ids import root_of
from resonate_scaffold.devserver.protocol.records import (
    I64_MAX,
    Execute,
    Message,
    Promise,
    PromiseState,
    Schedule,
    Task,
    TaskState,
    Unblock,
)
from resonate_scaffold.devserver.protocol.search import Index, Labels, TaggedIds, census, labels_of

#: A task that nobody has taken is offered again after this long.
OFFER_AGAIN_MS = 30_000


class State:
    """Promises by id, each with its task; schedules by id; what falls due and when; what shares a branch.

    A promise and all that descends from it are a family. One that rests may be packed, which nobody can tell by the
    answers: `find` unpacks it. Whoever changes a promise has found it, or another of its family, just before.
    """

    def __init__(self) -> None:
        self.promises: dict[str, Promise] = {}
        self.families: defaultdict[str, list[str]] = defaultdict(list)
        self.packed: dict[str, Packed] = {}
        self.schedules: dict[str, Schedule] = {}
        self.promise_deadlines = Deadlines()
        self.task_deadlines = Deadlines()
        self.schedule_deadlines = Deadlines()
        self.packed_deadlines = Deadlines()
        self.branches: defaultdict[str, list[str]] = defaultdict(list)
        self.index = Index()
        self.tagged = TaggedIds()
        self._censuses: dict[str, int] = {}  # of families that are not packed, as the index has them
        self.outgoing: list[Message] = []
        #: The roots of families that were looked at since the index was last brought up to date.
        self.touched: set[str] = set()
        #: Those before, since somebody emptied this.
        self.recent: set[str] = set()
        #: Told of a family's root before anything of it can change.
        self.before_change: Callable[[str], None] | None = None

    def find(self, id: str) -> Promise | None:
        root, _, _ = id.partition(":")
        self.touched.add(root)
        if self.before_change is not None:
            self.before_change(root)
        if self.packed and root in self.packed:
            self._unpack(root)
        return self.promises.get(id)

    def add(self, promise: Promise, task_deadline: int | None = None) -> None:
        """Put a promise in, new or saved, with all that the indexes say of it."""
        if labels := labels_of(promise.record.tags):
            self.tagged.add(promise.id, labels)
        self._put_in(promise, task_deadline)

    def _put_in(self, promise: Promise, task_deadline: int | None) -> None:
        id = promise.id
        root, _, _ = id.partition(":")
        self.touched.add(root)
        self.promises[id] = promise
        self.families[root].append(id)
        if promise.branch is not None:
            self.branches[promise.branch].append(id)
        if promise.is_pending and promise.is_timed:
            self.promise_deadlines.set(id, promise.record.timeout_at)
        if task_deadline is not None:
            self.task_deadlines.set(id, task_deadline)

    def add_task(self, promise: Promise, task: Task, deadline: int | None) -> None:
        """Give a promise that was put in without it its task."""
        promise.task = task
        if deadline is not None:
            self.task_deadlines.set(promise.id, deadline)

    def add_schedule(self, schedule: Schedule) -> None:
        self.schedules[schedule.id] = schedule
        if schedule.next_run_at:  # 0: it has had its last run
            self.schedule_deadlines.set(schedule.id, schedule.next_run_at)

    def is_due(self, now: int) -> bool:
        """Whether a tick at `now` would change anything."""
        promises, tasks = self.promise_deadlines, self.task_deadlines
        deadlines = (promises, tasks, self.schedule_deadlines, self.packed_deadlines)
        return any((at := each.next()) is not None and at <= now for each in deadlines)

    def is_pending(self, task_id: str, version: int) -> bool:
        """Whether the task waits for somebody to take it, still at this version."""
        promise = self.promises.get(task_id)  # a packed one does not
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

    # -- families ----------------------------------------------------------------------------------------------

    def roots(self) -> list[str]:
        """The root of each family."""
        return [*self.families, *self.packed]

    def family(self, root: str) -> list[tuple[Promise, int | None]]:
        """The promises of one family that is not packed, each with its task's deadline."""
        return [(self.promises[id], self.task_deadlines.get(id)) for id in self.families.get(root, ())]

    def packed_copy(self, root: str) -> Packed | None:
        """A family as it would be packed; None where there is no such family, or one that does not rest."""
        return self.packed.get(root) or pack(self.family(root))

    def pack(self, root: str) -> None:
        """Pack a family that rests: no task of it is held or waits to be taken."""
        if root in self.families and (packed := pack(self.family(root))) is not None:
            self._take_out(root, packed.census)
            self._put_in_packed(root, packed)

    def add_packed(self, root: str, packed: Packed) -> None:
        """Put in a packed family that was saved."""
        self._put_in_packed(root, packed)
        self.index.load(root, packed.census)
        for id, labels in packed.labeled(root):
            self.tagged.load(id, labels)

    def _put_in_packed(self, root: str, packed: Packed) -> None:
        self.packed[root] = packed
        if packed.due is not None:
            self.packed_deadlines.set(root, packed.due)

    def wake(self, now: int) -> None:
        """Unpack the families of which something is due."""
        for root in self.packed_deadlines.pop_due(now):
            self.find(root)

    def forget(self, root: str) -> None:
        """Drop a family that has ended."""
        self.find(root)
        for id in self.families[root]:
            if labels := labels_of(self.promises[id].record.tags):
                self.tagged.discard(id, labels)
        self._take_out(root, 0)

    def update_index(self) -> None:
        """Let searches find what has changed."""
        for root in self.touched:
            if (ids := self.families.get(root)) is not None:
                now = census(self.promises[id].states for id in ids)
                self.index.change(root, self._censuses.get(root, 0), now)
                self._censuses[root] = now
        self.recent |= self.touched
        self.touched.clear()

    def _unpack(self, root: str) -> None:
        self.packed_deadlines.discard(root)
        packed = self.packed.pop(root)
        self._censuses[root] = packed.census
        for promise, task_deadline in unpack(packed):
            self._put_in(promise, task_deadline)

    def _take_out(self, root: str, census: int) -> None:
        """Take out a family that is not packed; searches find it by this census from now on."""
        self.index.change(root, self._censuses.pop(root, 0), census)
        for id in self.families.pop(root):
            promise = self.promises.pop(id)
            if promise.branch is not None:
                self.branches.pop(promise.branch, None)
            self.promise_deadlines.discard(id)
            self.task_deadlines.discard(id)

    # -- steps that several requests share ---------------------------------------------------------------------

    def set_task_state(self, promise: Promise, state: TaskState) -> Task:
        """Put a task into a state in which nobody holds it, or see `lease`."""
        task = promise.task
        assert task is not None
        task.state, task.pid, task.ttl = state, None, None
        return task

    def offer(self, promise: Promise, now: int) -> None:
        """Send a pending task to its target, and again in a while."""
        task, target = promise.task, promise.target
        assert task is not None and target is not None
        self.task_deadlines.set(promise.id, now + OFFER_AGAIN_MS)
        self.outgoing.append(Execute(target, promise.id, task.version))

    def lease(self, promise: Promise, pid: str, ttl: int, now: int) -> None:
        """Give a pending task to a process."""
        task = self.set_task_state(promise, "acquired")
        task.version, task.pid, task.ttl = task.version + 1, pid, ttl
        task.resumed.clear()
        self.task_deadlines.set(promise.id, min(now + ttl, I64_MAX))

    def close_task(self, promise: Promise) -> None:
        """End the task of a promise that has settled: it awaits nothing any more."""
        if promise.task is None or promise.task.state == "fulfilled":
            return
        task = self.set_task_state(promise, "fulfilled")
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
            self.set_task_state(promise, "pending")
            self.offer(promise, now)

    def preload(self, promise: Promise) -> list[Promise]:
        """The other promises of its branch, by id."""
        if promise.branch is None:
            return []
        return [self.promises[id] for id in sorted(self.branches[promise.branch]) if id != promise.id]

    # -- searches ----------------------------------------------------------------------------------------------

    def search_promises(
        self, state: PromiseState | None, tags: dict[str, str] | None, after: str | None
    ) -> Iterator[Promise]:
        """Promises in this state and with these tags, by id from after `after`."""
        self.update_index()
        wanted = (tags or {}).items()
        labels = labels_of(tags or {})
        found = (
            self._tagged(labels, state, after) if labels else self._in_blocks(self.index.promises(state, after), after)
        )
        for promise in found:
            if state in (None, promise.record.state) and wanted <= promise.record.tags.items():
                yield promise

    def search_tasks(self, state: TaskState | None, after: str | None) -> Iterator[Promise]:
        self.update_index()
        for promise in self._in_blocks(self.index.tasks(state, after), after):
            if promise.task is not None and state in (None, promise.task.state):
                yield promise

    def search_schedules(self, tags: dict[str, str] | None, after: str | None) -> Iterator[Schedule]:
        wanted = (tags or {}).items()
        for id in sorted(self.schedules):
            schedule = self.schedules[id]
            if (after is None or id > after) and wanted <= schedule.promise_tags.items():
                yield schedule

    def _tagged(self, labels: Labels, state: PromiseState | None, after: str | None) -> Iterator[Promise]:
        for id in self._tagged_ids(labels, state, after):
            root = root_of(id)
            if root in self.packed:
                yield next(promise for promise, _ in unpack(self.packed[root]) if promise.id == id)
            else:
                yield self.promises[id]

    def _tagged_ids(self, labels: Labels, state: PromiseState | None, after: str | None) -> Iterator[str]:
        """The promises with these labels of whose block one is in this state: the fewer of the two are looked at."""
        if state is None:
            return self.tagged.find(labels, after)
        if self.tagged.count(labels) <= self.index.count(state):
            return (id for id in self.tagged.find(labels, after) if self.index.has(id, state))
        ids = (id for block in self.index.promises(state, after) for id in self._ids_in(block))
        return (id for id in ids if (after is None or id > after) and self.tagged.has(id, labels))

    def _ids_in(self, block: str) -> list[str]:
        """The promises of a block by id, if any of them may have labels."""
        root = root_of(block)
        if root == block:
            return [root]
        packed = self.packed.get(root)
        if packed is not None:
            return sorted(id for id, _ in packed.labels_below)
        return sorted(id for id in self.families.get(root, ()) if id != root)

    def _in_blocks(self, blocks: Iterator[str], after: str | None) -> Iterator[Promise]:
        for block in blocks:
            root = root_of(block)
            if root in self.packed:
                family = {promise.id: promise for promise, _ in unpack(self.packed[root])}
            else:
                family = {id: self.promises[id] for id in self.families.get(root, ())}
            for id in sorted(family):
                if (id != root) == (block != root) and (after is None or id > after):
                    yield family[id]
