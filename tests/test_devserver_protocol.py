"""The engine's state machine, on its own: what holds whatever is asked, and what the recordings do not show."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from resonate_scaffold.devserver import entries
from resonate_scaffold.devserver.protocol import Execute, Refused, State, apply, changes_nothing, parse, tick
from resonate_scaffold.devserver.protocol.cron import next_run
from resonate_scaffold.devserver.protocol.deadlines import Deadlines
from resonate_scaffold.devserver.protocol.families import Packed, unpack
from resonate_scaffold.devserver.protocol.records import Promise, PromiseState, TaskState
from resonate_scaffold.devserver.protocol.requests import check_lineage
from resonate_scaffold.devserver.protocol.tasks import MOST_BROUGHT_ALONG
from tests.asking import FIRST, ROOTS, WORKERS, Asker, text


def ask(state: State, now: int, kind: str, /, **data: Any) -> tuple[int, Any]:
    """One request, as the engine takes it: the status, and the data as a client reads it."""
    try:
        request = parse(kind, text(data))
        check_lineage(request)
    except Refused as refused:
        return refused.status, refused.reason
    answer, messages = apply(state, now, request)
    state.outgoing.extend(messages)  # a test looks at what was sent when it likes
    return answer.status, plain(answer.data)


def plain(data: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(data, order="deterministic"))


def create(
    state: State, now: int, id: str, timeout_at: int = 1 << 45, tags: dict[str, str] | None = None
) -> tuple[int, Any]:
    root = id.partition(":")[0]
    lineage = {"resonate:origin": root, "resonate:branch": id, "resonate:parent": root, "resonate:target": WORKERS}
    return ask(state, now, "promise.create", id=id, timeoutAt=timeout_at, tags=lineage | (tags or {}))


def acquire(state: State, now: int, id: str, version: int, **changes: Any) -> tuple[int, Any]:
    return ask(state, now, "task.acquire", **{"id": id, "version": version, "pid": "p", "ttl": 60_000} | changes)


def action(kind: str, **data: Any) -> dict[str, Any]:
    return {"kind": kind, "head": {}, "data": data}


def suspend(state: State, now: int, id: str, version: int, *awaited: str) -> tuple[int, Any]:
    actions = [action("promise.register_callback", awaited=each, awaiter=id) for each in awaited]
    return ask(state, now, "task.suspend", id=id, version=version, actions=actions)


def fulfill(state: State, now: int, id: str, version: int) -> tuple[int, Any]:
    return ask(
        state, now, "task.fulfill", id=id, version=version, action=action("promise.settle", id=id, state="resolved")
    )


def state_of(state: State, id: str) -> tuple[str, str | None]:
    """The states of a promise and of its task."""
    promise = state.find(id)
    assert promise is not None
    return promise.record.state, promise.task.state if promise.task else None


# -- whatever is asked ---------------------------------------------------------------------------------------


def kept(state: State) -> Any:
    """Everything that a restart has to bring back, packed or not; the indexes of it are as they should be."""
    families = {root: unpack(packed) for root, packed in state.packed.items()}
    assert dict(state.packed_deadlines.items()) == {
        root: packed.due for root, packed in state.packed.items() if packed.due is not None
    }
    loose = {root: state.family(root) for root in state.families}
    assert sorted(id for ids in state.families.values() for id in ids) == sorted(state.promises)
    promises = [promise for family in loose.values() for promise, _ in family]
    assert dict(state.promise_deadlines.items()) == {
        promise.id: promise.record.timeout_at for promise in promises if promise.is_pending and promise.is_timed
    }
    assert sorted(id for ids in state.branches.values() for id in ids) == sorted(p.id for p in promises if p.branch)
    everything = [sorted(family, key=lambda each: each[0].id) for _, family in sorted((families | loose).items())]
    in_all = [promise for family in everything for promise, _ in family]
    for how in get_args(PromiseState.__value__):
        found = [promise.id for promise in state.search_promises(how, None, None)]
        assert found == sorted(promise.id for promise in in_all if promise.record.state == how)
    for of_task in get_args(TaskState.__value__):
        found = [promise.id for promise in state.search_tasks(of_task, None)]
        assert found == sorted(promise.id for promise in in_all if promise.task and promise.task.state == of_task)
    return plain([everything, dict(sorted(state.schedules.items())), sorted(state.schedule_deadlines.items())])


def reloaded(state: State) -> State:
    """The state after a trip through a snapshot on file."""
    copy = State()
    for root in state.roots():
        for entry in entries.entries_of(state, root):
            entries.replay(copy, entries.decode(entries.encode(entry)))
    for schedule in state.schedules.values():
        entries.replay(copy, entries.decode(entries.encode(entries.ScheduleEntry(schedule))))
    return copy


def settled(state: State) -> dict[str, Any]:
    return {promise.id: plain(promise.record) for promise in everything(state) if not promise.is_pending}


def everything(state: State) -> list[Promise]:
    packed = [promise for family in state.packed.values() for promise, _ in unpack(family)]
    return [*state.promises.values(), *packed]


def check_tasks(state: State, offered: dict[str, int], now: int) -> None:
    """What must hold of every promise and its task between two requests."""
    promises = {promise.id: promise for promise in everything(state)}
    for id, promise in promises.items():
        task, due = promise.task, state.task_deadlines.get(id)
        assert promise.awaiters <= promises.keys()
        if not promise.is_pending:
            assert not promise.awaiters and not promise.listeners, id
            assert task is None or (task.state == "fulfilled" and due is None and not task.awaiting), id
        elif task is not None:
            match task.state:
                case "acquired":
                    assert due is not None and task.pid and task.ttl, id
                case "pending":
                    assert due is not None and due <= now + 30_000 and offered[id] == task.version, id
                case "suspended":
                    open_ones = [each for each in task.awaiting if promises[each].is_pending]
                    assert open_ones and due is None, id
                    assert all(id in promises[each].awaiters for each in open_ones), id
                case "halted":
                    assert due is None, id
                case other:
                    raise AssertionError(f"{id} is pending, its task {other}")


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(30, 150))
def test_random_requests_leave_nothing_stranded_and_can_be_replayed(random: Random, steps: int) -> None:
    state, asker = State(), None
    asker = Asker(random, state)
    now, offered = FIRST, dict[str, int]()
    log = list[tuple[int, str, bytes]]()
    cut, at_cut = random.randrange(steps), None
    for step in range(steps):
        now += asker.pause()
        if random.random() < 0.3:
            state.pack(random.choice(ROOTS))
        before, whole = settled(state), kept(state) if random.random() < 0.1 else None
        if state.is_due(now):
            log.append((now, "tick", b""))
            messages = tick(state, now)
        else:
            kind, data = asker.request(now)
            try:
                request = parse(kind, text(data))
                check_lineage(request)
            except Refused:
                continue
            reads = changes_nothing(state, now, request)
            _, messages = apply(state, now, request)
            assert not reads or whole is None or kept(state) == whole
            if not reads:
                log.append((now, kind, text(data)))
        offered |= {each.task_id: each.version for each in messages if isinstance(each, Execute)}
        assert before.items() <= settled(state).items(), "a promise settles once"
        check_tasks(state, offered, now)
        if step == cut:
            at_cut = len(log)
    # From the log alone, and from a snapshot in the middle of it with the rest of the log.
    done = at_cut or 0
    replayed = play(State(), log[:done])
    assert kept(play(reloaded(replayed), log[done:])) == kept(state)
    assert kept(play(replayed, log[done:])) == kept(state)


def play(state: State, log: list[tuple[int, str, bytes]]) -> State:
    for now, kind, data in log:
        if kind == "tick":
            tick(state, now)
        else:
            apply(state, now, parse(kind, data))
    return state


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 50), st.booleans()), max_size=400))
def test_deadlines_are_a_dict_sorted_by_time(steps: list[tuple[str, int, bool]]) -> None:
    deadlines, model = Deadlines(), dict[str, int]()
    for key, at, remove in steps:
        if remove:
            deadlines.discard(key)
            model.pop(key, None)
        else:
            deadlines.set(key, at)
            model[key] = at
        assert dict(deadlines.items()) == model
        assert deadlines.next() == min(model.values(), default=None)
    due = deadlines.pop_due(25)
    assert sorted(due) == sorted(key for key, at in model.items() if at <= 25)
    assert [model[key] for key in due] == sorted(model[key] for key in due)
    assert all(at > 25 for _, at in deadlines.items())


def test_a_deadline_that_moves_for_ever_does_not_grow_the_heap() -> None:
    deadlines = Deadlines()
    for at in range(10_000):
        deadlines.set("lease", at)
    assert len(deadlines._heap) < 100


_PACKED_BEFORE = (
    "9b8c12088bb3f293b00544037218b4205c0f0903902e8418241c50c52061812a06f1f926249f97e71765031d8512000a"
    "0c208008064632826029d07d5686780362e23aa83b4af3321d12f50dd1d206d800ea040cc43188e0a251d02c83647e7c"
    "49034b269f088a22e4e4014f1de08c0e0a0623483000b33ba41843ce290b2b20e9a4697906a4106c5c98b830099c8916"
    "5682f34f23c2e388b48388f0644444b32032322b38ce71646200"
)


def test_a_family_that_an_earlier_version_packed_can_be_read() -> None:
    """Journals hold families like this one: what packs them may change, not what reads them."""
    state = State()
    for id in ("job", "job:1"):
        create(state, 1, id)
    acquire(state, 1, "job", 0)
    suspend(state, 2, "job", 1, "job:1")
    ask(state, 3, "promise.register_listener", awaited="job", address="poll://uni@a/1")
    acquire(state, 3, "job:1", 0)
    ask(state, 4, "task.halt", id="job:1")
    tags, value = {"resonate:origin": "job"}, {"headers": {"a": "b"}, "data": "y"}
    ask(state, 4, "promise.create", id="job:2", timeoutAt=99, param={"data": "x"}, tags=tags)
    ask(state, 5, "promise.settle", id="job:2", state="rejected", value=value)
    packed = state.packed_copy("job")
    assert packed is not None and packed.due == 1 << 45 and packed.ended_at is None
    before = Packed(bytes.fromhex(_PACKED_BEFORE), packed.census)
    assert plain(unpack(before)) == plain(unpack(packed)) == plain(state.family("job"))


class Counted(dict[str, Any]):
    """A dict that counts how often somebody walks it."""

    walks = 0

    def values(self) -> Any:
        self.walks += 1
        return super().values()

    def items(self) -> Any:
        self.walks += 1
        return super().items()

    def __iter__(self) -> Any:
        self.walks += 1
        return super().__iter__()


def test_no_request_walks_what_other_jobs_have_left() -> None:
    state = State()
    state.promises, state.packed = Counted(), Counted()
    for number in range(20):
        root, child = f"job/{number}", f"job/{number}:1"
        create(state, number, root)
        acquire(state, number, root, 0)
        tags = {"resonate:origin": root, "resonate:branch": child, "resonate:target": WORKERS}
        call = action("promise.create", id=child, timeoutAt=1 << 40, tags=tags)
        assert ask(state, number, "task.fence", id=root, version=1, action=call)[0] == 200
        suspend(state, number, root, 1, child)
        for id, version in ((child, 0), (root, 1)):
            acquire(state, number, id, version)
            assert fulfill(state, number, id, version + 1)[0] == 200
        tick(state, number)
        state.pack(f"job/{number // 2}")
        for kind, wanted in (("promise", "resolved"), ("task", "fulfilled")):
            assert ask(state, number, f"{kind}.search", state=wanted, limit=1)[1]["cursor"] == "job/0"
    assert (state.promises.walks, state.packed.walks) == (0, 0)
    # What is still kept for finished jobs is no deadline that a tick would have to pass over.
    assert len(state.task_deadlines) == len(state.promise_deadlines) == len(state.packed_deadlines) == 0


@pytest.mark.parametrize("seed", range(5))
def test_a_search_by_tags_that_are_looked_up_finds_what_a_look_at_everything_does(seed: int) -> None:
    random, state, there = Random(seed), State(), dict[str, dict[str, str]]()
    days, kinds = ("run:day", "1", "2"), ("run:kind", "a", "b")
    for number in range(150):
        id = f"{random.choice('xyz')}/{number}" if number % 4 else f"{random.choice(list(there or ['w']))}:{number}"
        picked = {name: random.choice(values) for name, *values in (days, kinds) if random.random() < 0.8}
        there[id] = picked | {"run:at": str(number), "other": random.choice("12")}
        tags = there[id] | {"resonate:origin": id.partition(":")[0], "resonate:branch": id}
        assert ask(state, number, "promise.create", id=id, timeoutAt=1 << 40, tags=tags)[0] == 200
        if random.random() < 0.5:
            settled = random.choice(["resolved", "rejected"])
            ask(state, number, "promise.settle", id=random.choice(list(there)), state=settled)
        if random.random() < 0.3:
            state.pack(random.choice(state.roots()))
        if random.random() < 0.05:
            root = random.choice(state.roots())
            state.forget(root)
            there = {id: tags for id, tags in there.items() if id.partition(":")[0] != root}
        if random.random() < 0.05:
            state = reloaded(state)
    everything = list(state.search_promises(None, None, None))
    assert {promise.id for promise in everything} == there.keys()
    for wanted in (
        {"run:day": "1"},
        {"run:kind": "a", "run:day": "2"},
        {"run:day": "1", "other": "2"},
        {"run:day": "3"},
    ):
        for how in (None, "pending", "resolved", "rejected"):
            for after in (None, "y", "y/1:2"):
                request = {"tags": wanted, "state": how, "cursor": after, "limit": 1000}
                found = ask(state, 1000, "promise.search", **{k: v for k, v in request.items() if v is not None})[1]
                assert [promise["id"] for promise in found["promises"]] == [
                    promise.id
                    for promise in everything
                    if wanted.items() <= promise.record.tags.items()
                    and how in (None, promise.record.state)
                    and (after is None or promise.id > after)
                ]


def test_a_search_by_tags_looks_at_what_it_finds_alone() -> None:
    state = State()
    for number in range(3000):
        create(state, number, f"job/{number}", tags={"run:service": "shop", "run:minute": str(number // 10)})
        fulfilled = number % 100 == 0
        acquire(state, number, f"job/{number}", 0)
        if fulfilled:
            fulfill(state, number, f"job/{number}", 1)
        state.pack(f"job/{number}") if number % 3 else None
    looked_at: list[str] = []
    by_block, by_tag = state._in_blocks, state._tagged

    def noted(found: Iterator[Promise]) -> Iterator[Promise]:
        for promise in found:
            looked_at.append(promise.id)
            yield promise

    state._in_blocks = lambda *asked: noted(by_block(*asked))  # type: ignore[method-assign]
    state._tagged = lambda *asked: noted(by_tag(*asked))  # type: ignore[method-assign]
    minute = {"run:service": "shop", "run:minute": "20"}
    found = ask(state, 1, "promise.search", tags=minute, limit=5)[1]
    assert [promise["id"] for promise in found["promises"]] == [f"job/{number}" for number in range(200, 205)]
    assert len(looked_at) == 6
    found = ask(state, 1, "promise.search", tags={"run:service": "shop"}, state="resolved", limit=50)[1]
    assert len(found["promises"]) == 30
    assert len(looked_at) == 36


# -- ids -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "tags"),
    [
        ("x", {"resonate:origin": "y"}),
        ("root.1", {"resonate:origin": "root"}),
        ("a:b", {"resonate:origin": "a:b"}),
        ("root:12", {"resonate:origin": "root", "resonate:branch": "root:1"}),
        ("root:1:2", {"resonate:origin": "root", "resonate:parent": "root:1"}),
        ("null\0byte", {}),
    ],
)
@pytest.mark.parametrize("kind", ["promise.create", "task.create", "task.fence"])
def test_ids_that_do_not_extend_what_they_declare_are_refused(kind: str, id: str, tags: dict[str, str]) -> None:
    state = State()
    create(state, 1, "lease")
    acquire(state, 1, "lease", 0)
    wanted = {"id": id, "timeoutAt": 1 << 40, "tags": {"resonate:target": WORKERS, **tags}}
    data: dict[str, Any] = wanted
    if kind != "promise.create":
        data = {"id": "lease", "pid": "p", "ttl": 1, "version": 1, "action": action("promise.create", **wanted)}
    assert ask(state, 1, kind, **data)[0] == 400
    assert list(state.promises) == ["lease"]


@pytest.mark.parametrize(
    ("id", "origin", "branch", "parent"),
    [
        ("job/7", "job/7", "job/7", "job/7"),
        ("my.app", "my.app", "my.app", "my.app"),
        ("job/7:1", "job/7", "job/7", "job/7"),
        ("job/7:1.2", "job/7", "job/7:1.2", "job/7:1"),
        ("job/7:d0123", "job/7", "job/7:d0123", "job/7"),
        ("ü" * 300, "ü" * 300, "ü" * 300, "ü" * 300),
    ],
)
def test_ids_that_the_sdk_makes_are_taken(id: str, origin: str, branch: str, parent: str) -> None:
    tags = {"resonate:origin": origin, "resonate:branch": branch, "resonate:parent": parent}
    assert ask(State(), 1, "promise.create", id=id, timeoutAt=99, tags=tags)[0] == 200


def test_a_task_cannot_await_another_root() -> None:
    state = State()
    for id in ("a", "b"):
        create(state, 1, id)
    acquire(state, 1, "a", 0)
    assert suspend(state, 1, "a", 1, "b")[0] == 400
    assert state_of(state, "a") == ("pending", "acquired")


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("poll://any@g", True),
        ("poll://uni@my.service.g/p-1", True),
        ("https://example.com/hook", True),
        ("gcps://project/topic", True),
        ("gcps://project", False),
        ("bash://", True),
        ("poll://all@g", False),
        ("poll://any@", False),
        ("nonsense", False),
        ("http://[", False),
    ],
)
def test_a_target_is_an_address(address: str, is_one: bool) -> None:
    tags = {"resonate:target": address}
    assert ask(State(), 1, "promise.create", id="a", timeoutAt=9, tags=tags)[0] == (200 if is_one else 400)


# -- leases and waiting --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["task.fulfill", "task.release", "task.suspend", "task.fence"])
def test_a_lease_that_has_passed_on_is_worth_nothing(kind: str) -> None:
    state = State()
    create(state, 1, "a")
    acquire(state, 1, "a", 0, pid="slow", ttl=10)
    tick(state, 20)
    assert state_of(state, "a") == ("pending", "pending")
    assert acquire(state, 21, "a", 0)[0] == 409
    assert acquire(state, 21, "a", 1, pid="next")[1]["task"]["version"] == 2
    before = kept(state)
    late: dict[str, Any] = {"actions": [action("x", awaited="a:1", awaiter="a")]}
    late["action"] = action("promise.settle", id="a:1" if kind == "task.fence" else "a", state="resolved")
    assert ask(state, 22, kind, id="a", version=1, **late)[0] == 409
    assert kept(state) == before


def test_a_heartbeat_keeps_a_lease_and_only_that() -> None:
    state = State()
    for id in ("a", "b"):
        create(state, 0, id)
        acquire(state, 0, id, 0, ttl=1000)
    ask(state, 900, "task.heartbeat", pid="p", tasks=[{"id": "a", "version": 1}])
    tick(state, 1_500)
    assert (state_of(state, "a")[1], state_of(state, "b")[1]) == ("acquired", "pending")
    tick(state, 1_900)
    assert state_of(state, "a")[1] == "pending"


def test_a_task_with_a_delay_is_offered_at_its_time() -> None:
    state = State()
    create(state, 0, "a", tags={"resonate:delay": "5000"})
    assert state.drain() == [] and tick(state, 4_999) == []
    assert tick(state, 5_000) == [Execute(WORKERS, "a", 0)]


def test_only_what_somebody_else_may_wait_for_is_ended_by_the_clock() -> None:
    state = State()
    for id, tags in (("bare", {}), ("external", {"resonate:external": "true"}), ("timer", {"resonate:timer": "true"})):
        ask(state, 0, "promise.create", id=id, timeoutAt=10, tags=tags)
    tick(state, 20)
    assert [state_of(state, id)[0] for id in ("bare", "external", "timer")] == [
        "pending",
        "rejected_timedout",
        "resolved",
    ]
    assert ask(state, 30, "promise.get", id="bare")[1]["promise"]["settledAt"] == 10


def test_a_run_of_many_steps_is_not_sent_all_of_them_with_each() -> None:
    state = State()
    create(state, 1, "job")
    acquire(state, 1, "job", 0)
    sent = []
    for number in range(1, MOST_BROUGHT_ALONG + 20):
        tags = {"resonate:origin": "job", "resonate:parent": "job", "resonate:branch": "job"}
        step = action("promise.create", id=f"job:{number}", timeoutAt=1 << 40, tags=tags)
        sent.append(len(ask(state, 1, "task.fence", id="job", version=1, action=step)[1]["preload"]))
    assert sent[:3] == [1, 2, 3]
    assert set(sent[MOST_BROUGHT_ALONG:]) == {0}
    # Who takes the run up gets them all.
    ask(state, 1, "task.release", id="job", version=1)
    assert len(acquire(state, 1, "job", 1)[1]["preload"]) == MOST_BROUGHT_ALONG + 19


# -- schedules -----------------------------------------------------------------------------------------------

MINUTE = 60_000
NOON = 1_767_268_800_000  # 2026-01-01 12:00:00 UTC


def schedule(**changes: Any) -> dict[str, Any]:
    return {
        "id": "tidy",
        "cron": "*/5 * * * *",
        "promiseId": "{{.id}}-{{.timestamp}}",
        "promiseTimeout": 3_600_000,
        "promiseParam": {"data": "e30="},
        "promiseTags": {"resonate:target": WORKERS},
    } | changes


def test_a_schedule_fires_at_its_time_as_a_root_that_a_worker_can_take() -> None:
    state = State()
    status, answer = ask(state, NOON + 1, "schedule.create", **schedule())
    assert (status, answer["schedule"]["nextRunAt"]) == (200, NOON + 5 * MINUTE)
    assert "lastRunAt" not in answer["schedule"]
    tick(state, NOON + 5 * MINUTE - 1)
    assert state.promises == {}
    due = NOON + 5 * MINUTE
    (message,) = tick(state, due + 40)
    (fired,) = (promise.record for promise in state.promises.values())
    assert (fired.id, fired.state, fired.timeout_at) == (f"tidy-{due}", "pending", due + 3_600_000)
    lineage = ("resonate:origin", "resonate:branch", "resonate:parent", "resonate:prefix")
    assert fired.tags == {
        "resonate:target": WORKERS,
        "resonate:schedule": "tidy",
        **dict.fromkeys(lineage, fired.id),
    }
    assert message == Execute(WORKERS, fired.id, 0)
    record = ask(state, due + 50, "schedule.get", id="tidy")[1]["schedule"]
    assert (record["lastRunAt"], record["nextRunAt"]) == (due, due + 5 * MINUTE)
    tick(state, due + 60)
    assert len(state.promises) == 1


def test_missed_runs_are_made_up_for_one_a_tick_and_stale_ones_have_ended_when_they_are_made() -> None:
    state = State()
    ask(state, NOON, "schedule.create", **schedule(promiseTimeout=7 * MINUTE))
    late = NOON + 15 * MINUTE
    for fired in (1, 2, 3, 3):
        tick(state, late)
        assert len(state.promises) == fired
    states = [state_of(state, f"tidy-{NOON + n * 5 * MINUTE}")[0] for n in (1, 2, 3)]
    assert states == ["rejected_timedout", "pending", "pending"]


@pytest.mark.parametrize(
    "changes",
    [
        {"cron": "every minute"},
        {"cron": "99 * * * *"},
        {"cron": "R * * * *"},
        {"cron": "0 9 * * 0"},
        {"cron": "0 22-2 * * *"},
        {"cron": "*/0 * * * *"},
        {"cron": "0 9 L * *"},
        {"cron": "0 0 30 2 *"},
        {"id": "a:b"},
        {"promiseId": "{{.id}}:{{.timestamp}}"},
    ],
)
def test_a_schedule_that_cannot_fire_is_refused(changes: dict[str, Any]) -> None:
    state = State()
    assert ask(state, NOON, "schedule.create", **schedule(**changes))[0] == 400
    assert state.schedules == {}


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 13 * * *", NOON, NOON + 60 * MINUTE),
        ("30 0 13 * * *", NOON, NOON + 60 * MINUTE + 30_000),
        ("*/10 * * * * *", NOON + 999, NOON + 10_000),
        ("0 12 * * THU", NOON, NOON + 7 * 24 * 60 * MINUTE),
        ("0 12 * * 5", NOON, NOON + 7 * 24 * 60 * MINUTE),  # Sunday is 1
        ("0 0 2 * monday", NOON, 1_769_990_400_000),  # a day that is both
        ("@daily", NOON, NOON + 12 * 60 * MINUTE),
        ("0 0 29 2 *", NOON, 1_835_395_200_000),
    ],
)
def test_cron_is_as_the_server_has_it(expression: str, after: int, expected: int) -> None:
    assert next_run(expression, after) == expected
