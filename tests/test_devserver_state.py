"""The engine's state machine: equal to the SDK's where it should be, and better where it says so."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from resonate.connections.local import ServerState
from resonate.error import ServerError
from resonate.ids import origin_of

from resonate_scaffold.devserver import journal
from resonate_scaffold.devserver.cron import next_run
from resonate_scaffold.devserver.deadlines import Deadlines
from resonate_scaffold.devserver.state import MOST_BROUGHT_ALONG, EngineState

ROOTS = ["job/a", "b.c"]
IDS = [id for root in ROOTS for id in (root, f"{root}:1", f"{root}:2", f"{root}:1.1")]
WORKERS = "poll://any@workers"
#: What a step may be; what makes the others interesting comes twice.
KINDS = [
    *(
        "tick",
        "promise.create",
        "promise.create",
        "promise.get",
        "promise.settle",
        "promise.register_listener",
    ),
    *("task.create", "task.acquire", "task.acquire", "task.release", "task.fulfill", "task.fence"),
    *("task.suspend", "task.suspend", "task.heartbeat", "nonsense"),
]


def tags_of(id: str, shape: str, now: int) -> dict[str, str]:
    """The tags that the SDK gives a promise of this shape."""
    root = id.split(":")[0]
    tags = {"resonate:origin": root, "resonate:parent": root, "resonate:branch": id}
    if shape == "local":
        return tags | {"resonate:branch": root, "resonate:scope": "local"}
    if shape == "bare":
        return tags | {"resonate:external": "true"}
    tags["resonate:target"] = WORKERS
    if shape == "timer":
        tags["resonate:timer"] = "true"
    if shape == "delayed":
        tags["resonate:delay"] = str(now + 40)
    return tags


def create(id: str, *, now: int = 0, shape: str = "remote", timeout_at: int = 1 << 40) -> dict[str, Any]:
    tags = tags_of(id, shape, now)
    return {
        "kind": "promise.create",
        "id": id,
        "timeoutAt": timeout_at,
        "param": {"data": "e30="},
        "tags": tags,
    }


STEPS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "pick": st.integers(0, 7),
        "others": st.lists(st.integers(0, 7), min_size=1, max_size=3),
        "wild": st.sampled_from([False] * 7 + [True]),
        "shape": st.sampled_from(["remote", "remote", "remote", "local", "bare", "timer", "delayed"]),
        "state": st.sampled_from(["resolved", "rejected", "rejected_canceled"]),
        "lifetime": st.sampled_from([100_000] * 5 + [-1, 0, 30, 200]),
        "ttl": st.sampled_from([60_000, 60_000, 25, 1]),
        "pause": st.sampled_from([0, 0, 0, 0, 1, 20, 100, 31_000]),
    }
)


def concrete(step: dict[str, Any], reference: ServerState, now: int) -> dict[str, Any]:
    """The request that this step is in this state: mostly one that makes sense, else any ("wild")."""

    def choose(sensible: list[str], pick: int = step["pick"]) -> str:
        candidates = IDS if step["wild"] or not sensible else sensible
        return candidates[pick % len(candidates)]

    kind = step["kind"]
    missing = [id for id in IDS if id not in reference.promises]
    open_promises = [id for id, promise in reference.promises.items() if promise.state == "pending"]
    wanted = "pending" if kind == "task.acquire" else "acquired"
    task_id = choose([id for id, task in reference.tasks.items() if task.state == wanted])
    task = reference.tasks.get(task_id)
    lease = {
        "kind": kind,
        "id": task_id,
        "version": task.version if task else 0,
        "pid": "p",
        "ttl": step["ttl"],
    }
    made = create(choose(missing), now=now, shape=step["shape"], timeout_at=now + step["lifetime"])
    settle = {
        "kind": "promise.settle",
        "id": choose(open_promises),
        "state": step["state"],
        "value": {"data": "MQ=="},
    }
    match kind:
        case "promise.create":
            return made
        case "promise.settle":
            return settle
        case "promise.get":
            return {"kind": kind, "id": settle["id"]}
        case "promise.register_listener":
            return {"kind": kind, "awaited": settle["id"], "address": f"poll://uni@api/{step['pick'] % 2}"}
        case "task.create":
            return lease | {"action": {"kind": "promise.create", "head": {}, "data": made}}
        case "task.fulfill":
            return lease | {"action": {"kind": "promise.settle", "head": {}, "data": settle | {"id": task_id}}}
        case "task.fence":
            inner = made if step["pick"] % 2 else settle
            return lease | {"action": {"kind": inner["kind"], "head": {}, "data": inner}}
        case "task.suspend":
            family = [id for id in open_promises if origin_of(id) == origin_of(task_id) and id != task_id]
            awaited = {choose(family, pick) for pick in step["others"]} if family else set()
            kin = sorted(id for id in awaited if origin_of(id) == origin_of(task_id))
            return lease | {"actions": [{"kind": "x", "data": {"awaited": a, "awaiter": task_id}} for a in kin]}
        case "task.heartbeat":
            return {"kind": kind, "pid": "p", "tasks": [{"id": task_id, "version": lease["version"]}]}
    return lease


def apply(state: ServerState, now: int, request: dict[str, Any]) -> Any:
    try:
        return state.apply(now, msgspec.json.decode(msgspec.json.encode(request)))
    except ServerError as error:
        return error.code, error.message


def sent(state: ServerState) -> list[str]:
    """The messages of the last step. Their order within one step is free."""
    messages = [json.dumps([m.address, m.message], sort_keys=True) for m in state.outgoing]
    state.outgoing = []
    return sorted(messages)


def kept(state: EngineState) -> dict[str, Any]:
    """Everything a restart has to bring back."""
    return {
        "promises": state.promises,
        "tasks": state.tasks,
        "schedules": state.schedules,
        "promise deadlines": dict(state.promise_deadlines.items()),
        "task deadlines": dict(state.task_deadlines.items()),
        "schedule deadlines": dict(state.schedule_deadlines.items()),
        "branches": {branch: ids for branch, ids in state._branches.items() if ids},
        "awaiting": {task: ids for task, ids in state._awaiting.items() if ids},
    }


def reloaded(state: EngineState, now: int) -> EngineState:
    """The state after a trip through a snapshot on file."""
    copy = EngineState()
    for entry in journal.snapshot(state, now):
        decoded = journal._decode(journal._encode(entry))
        if not isinstance(decoded, journal.Header | journal.RequestEntry | journal.TickEntry):
            journal.restore(copy, decoded)
    return copy


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, min_size=20, max_size=80))
def test_answers_states_and_messages_are_the_sdks(steps: list[dict[str, Any]]) -> None:
    reference, state, replayed = ServerState(), EngineState(), EngineState()
    now = 1_000
    for step in steps:
        now += step["pause"]
        if step["kind"] == "tick":
            due = state.is_due(now)
            before = msgspec.json.encode([state.promises, state.tasks])
            reference.tick(now)
            state.tick(now)
            assert due or before == msgspec.json.encode([state.promises, state.tasks])
            if due:
                replayed.tick(now)
        else:
            if step["kind"].startswith("task."):
                # A time-out within such a request may raise the version it names: fenced here, not there.
                for id in [p.id for p in reference.promises.values() if p.state == "pending" and now >= p.timeout_at]:
                    for each in (reference, state, replayed):
                        apply(each, now, {"kind": "promise.get", "id": id})
                    assert sent(state) == sent(reference)
            request = concrete(step, reference, now)
            read = state.is_read(now, request)
            assert apply(state, now, request) == apply(reference, now, request)
            if not read:
                apply(replayed, now, request)
        assert sent(state) == sent(reference)
        assert state.promises == reference.promises
        assert state.tasks == reference.tasks
        assert dict(state.promise_deadlines.items()) == {t.id: t.timeout for t in reference.p_timeouts}
        assert dict(state.task_deadlines.items()) == {t.id: t.timeout for t in reference.t_timeouts}
        awaiting = defaultdict(set)
        for promise in reference.promises.values():
            for task_id in promise.awaiters:
                awaiting[task_id].add(promise.id)
        assert {task: ids for task, ids in state._awaiting.items() if ids} == awaiting
    assert kept(replayed) == kept(state)
    assert kept(reloaded(state, now)) == kept(state)


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
    state = EngineState()
    wanted = {"id": id, "timeoutAt": 1 << 40, "tags": tags}
    state.apply(1, create("lease"))
    state.apply(1, {"kind": "task.acquire", "id": "lease", "version": 0, "pid": "p", "ttl": 1000})
    action = {"kind": "promise.create", "data": wanted}
    request = wanted if kind == "promise.create" else {"id": "lease", "pid": "p", "version": 0, "action": action}
    with pytest.raises(ServerError) as refused:
        state.apply(1, request | {"kind": kind})
    assert refused.value.code == 400
    assert id not in state.promises


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
    answer = EngineState().apply(1, {"kind": "promise.create", "id": id, "timeoutAt": 99, "tags": tags})
    assert answer["status"] == 201


@pytest.mark.parametrize("state", ["pending", "rejected_timedout", "done", None])
def test_a_promise_cannot_be_settled_as_anything(state: str | None) -> None:
    engine = EngineState()
    engine.apply(1, create("a"))
    with pytest.raises(ServerError, match="state must be one of"):
        engine.apply(1, {"kind": "promise.settle", "id": "a", "state": state})
    assert engine.promises["a"].state == "pending"


def test_a_task_cannot_await_another_origin() -> None:
    state = EngineState()
    for id in ("a", "b"):
        state.apply(1, create(id))
    state.apply(1, {"kind": "task.acquire", "id": "a", "version": 0, "pid": "p", "ttl": 1000})
    actions = [{"kind": "promise.register_callback", "data": {"awaited": "b", "awaiter": "a"}}]
    with pytest.raises(ServerError, match="not the same origin"):
        state.apply(1, {"kind": "task.suspend", "id": "a", "version": 0, "actions": actions})
    assert state.tasks["a"].state == "acquired"


@pytest.mark.parametrize("kind", ["task.fulfill", "task.release", "task.suspend", "task.acquire"])
def test_a_lease_that_has_passed_on_is_worth_nothing(kind: str) -> None:
    state = EngineState()
    state.apply(1, create("a"))
    state.apply(1, {"kind": "task.acquire", "id": "a", "version": 0, "pid": "slow", "ttl": 10})
    state.tick(20)
    assert state.tasks["a"].state == "pending" and state.tasks["a"].version == 1
    if kind != "task.acquire":
        state.apply(21, {"kind": "task.acquire", "id": "a", "version": 1, "pid": "next", "ttl": 1000})
    before = msgspec.json.encode([state.promises, state.tasks])
    late = {"kind": kind, "id": "a", "version": 0, "pid": "slow", "ttl": 1000, "actions": []}
    late["action"] = {"kind": "promise.settle", "data": {"id": "a", "state": "resolved"}}
    assert state.apply(22, late)["status"] == 409
    assert msgspec.json.encode([state.promises, state.tasks]) == before


def test_a_heartbeat_keeps_a_lease_and_only_that() -> None:
    state = EngineState()
    for id in ("a", "b"):
        state.apply(0, create(id))
        state.apply(0, {"kind": "task.acquire", "id": id, "version": 0, "pid": "p", "ttl": 1000})
    state.apply(900, {"kind": "task.heartbeat", "pid": "p", "tasks": [{"id": "a", "version": 0}]})
    state.tick(1_500)
    assert (state.tasks["a"].state, state.tasks["b"].state) == ("acquired", "pending")
    state.tick(1_900)
    assert state.tasks["a"].state == "pending"


def test_a_settled_promise_keeps_no_room_for_who_might_wait() -> None:
    state = EngineState()
    for name in ("a", "b", "a:1", "b:1"):
        state.apply(0, create(name, timeout_at=20 if name.startswith("b") else 1 << 40))
    for root in ("a", "b"):
        state.apply(0, {"kind": "task.acquire", "id": root, "version": 0, "pid": "p", "ttl": 1000})
        state.apply(0, suspend(root, 0, f"{root}:1"))
        state.apply(0, {"kind": "promise.register_listener", "awaited": root, "address": "poll://uni@api/1"})
    state.apply(1, {"kind": "promise.settle", "id": "a:1", "state": "resolved"})
    state.apply(1, {"kind": "promise.settle", "id": "a", "state": "resolved"})
    state.tick(30)  # the others by their time-out
    restored = EngineState()
    entries = list(journal.snapshot(state, 30))
    for entry in entries[1:]:
        assert isinstance(entry, journal.PromiseEntry | journal.TaskEntry)
        journal.restore(restored, entry)
    for each in (state, restored):
        audiences = [who for promise in each.promises.values() for who in (promise.awaiters, promise.subscribers)]
        assert len({id(who) for who in audiences}) == 1
    # A late listener is answered, and a late awaiter is told to go on.
    state.apply(31, create("a:2"))
    state.apply(31, {"kind": "promise.register_listener", "awaited": "a:1", "address": "poll://uni@api/1"})
    state.apply(31, {"kind": "task.acquire", "id": "a:2", "version": 0, "pid": "p", "ttl": 1000})
    assert state.apply(31, suspend("a:2", 0, "a:1"))["status"] == 300


def suspend(id: str, version: int, awaited: str) -> dict[str, Any]:
    actions = [{"kind": "promise.register_callback", "data": {"awaited": awaited, "awaiter": id}}]
    return {"kind": "task.suspend", "id": id, "version": version, "actions": actions}


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


def run_job(state: ServerState, root: str, now: int) -> None:
    """A workflow with one remote call: submit, take, call, wait, answer, resume, end."""
    child = f"{root}:1"
    state.apply(now, create(root))
    state.apply(now, {"kind": "task.acquire", "id": root, "version": 0, "pid": "w", "ttl": 60_000})
    call = {"kind": "promise.create", "head": {}, "data": create(child)}
    state.apply(now, {"kind": "task.fence", "id": root, "version": 0, "action": call})
    waits = [{"kind": "promise.register_callback", "data": {"awaited": child, "awaiter": root}}]
    state.apply(now, {"kind": "task.suspend", "id": root, "version": 0, "actions": waits})
    for id, version in ((child, 0), (root, 1)):
        state.apply(now, {"kind": "task.acquire", "id": id, "version": version, "pid": "w", "ttl": 60_000})
        settle = {"kind": "promise.settle", "data": {"id": id, "state": "resolved"}}
        answer = state.apply(now, {"kind": "task.fulfill", "id": id, "version": version, "action": settle})
        assert answer["status"] == 200
    state.tick(now)


def test_no_step_of_a_job_walks_what_other_jobs_have_left() -> None:
    state = EngineState()
    promises, tasks = Counted(), Counted()
    state.promises, state.tasks = promises, tasks
    for number in range(20):
        run_job(state, f"job/{number}", now=number)
    assert len(state.promises) == 40
    assert (promises.walks, tasks.walks) == (0, 0)
    assert len(state._awaiting) == 0
    # What is still kept for finished jobs is no deadline that a tick would have to pass over.
    assert len(state.task_deadlines) == len(state.promise_deadlines) == 0


# -- schedules -----------------------------------------------------------------------------------------------

MINUTE = 60_000
NOON = 1_767_268_800_000  # 2026-01-01 12:00:00 UTC


def schedule(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "schedule.create",
        "id": "tidy",
        "cron": "*/5 * * * *",
        "promiseId": "{{.id}}-{{.timestamp}}",
        "promiseTimeout": 3_600_000,
        "promiseParam": {"data": "e30="},
        "promiseTags": {"resonate:target": WORKERS},
    } | changes


def test_a_schedule_fires_at_its_time_as_a_root_that_a_worker_can_take() -> None:
    state = EngineState()
    answer = state.apply(NOON + 1, schedule())
    assert answer["status"] == 201
    assert answer["schedule"]["nextRunAt"] == NOON + 5 * MINUTE
    assert answer["schedule"]["lastRunAt"] is None
    state.tick(NOON + 5 * MINUTE - 1)
    assert state.promises == {}
    due = NOON + 5 * MINUTE
    state.tick(due + 40)
    fired = state.promises[f"tidy-{due}"]
    assert (fired.state, fired.param, fired.timeout_at) == ("pending", {"data": "e30="}, due + 3_600_000)
    assert fired.tags == {
        "resonate:target": WORKERS,
        "resonate:schedule": "tidy",
        "resonate:origin": fired.id,
        "resonate:branch": fired.id,
        "resonate:parent": fired.id,
        "resonate:prefix": fired.id,
    }
    (message,) = state.drain()
    assert message.address == WORKERS
    assert message.message == {"kind": "execute", "data": {"task": {"id": fired.id, "version": 0}}}
    record = state.apply(due + 50, {"kind": "schedule.get", "id": "tidy"})["schedule"]
    assert (record["lastRunAt"], record["nextRunAt"]) == (due, due + 5 * MINUTE)
    state.tick(due + 60)
    assert len(state.promises) == 1


def test_missed_runs_are_made_up_for_one_a_tick_and_stale_ones_are_born_timed_out() -> None:
    state = EngineState()
    state.apply(NOON, schedule(promiseTimeout=7 * MINUTE))
    late = NOON + 15 * MINUTE
    for fired in (1, 2, 3, 3):
        state.tick(late)
        assert len(state.promises) == fired
    states = [state.promises[f"tidy-{NOON + n * 5 * MINUTE}"].state for n in (1, 2, 3)]
    assert states == ["rejected_timedout", "pending", "pending"]


def test_a_task_is_told_without_being_changed() -> None:
    """The SDK's in-process server does not know the request; the Resonate server and resonate-pg do."""
    state = EngineState()
    state.apply(0, create("job/a", timeout_at=1000))

    def told(now: int) -> Any:
        request = {"kind": "task.get", "id": "job/a"}
        assert state.is_read(now, request)
        return state.apply(now, request)["task"]

    assert told(1) == {"id": "job/a", "state": "pending", "version": 0, "resumes": 0}
    state.apply(2, {"kind": "task.acquire", "id": "job/a", "version": 0, "pid": "p", "ttl": 60_000})
    held = told(3)
    assert (held["state"], held["pid"], held["ttl"]) == ("acquired", "p", 60_000)
    assert told(1000) == {"id": "job/a", "state": "fulfilled", "version": held["version"], "resumes": 0}
    assert state.promises["job/a"].state == "pending"
    assert state.apply(4, {"kind": "task.get", "id": "job/b"})["status"] == 404


def test_a_deleted_schedule_fires_no_more() -> None:
    state = EngineState()
    state.apply(NOON, schedule())
    assert [s["id"] for s in state.apply(NOON, {"kind": "schedule.search"})["schedules"]] == ["tidy"]
    assert state.apply(NOON, {"kind": "schedule.delete", "id": "tidy"})["status"] == 200
    state.tick(NOON + 60 * MINUTE)
    assert state.promises == {}
    assert state.apply(NOON, {"kind": "schedule.get", "id": "tidy"})["status"] == 404


def test_creating_a_schedule_again_changes_nothing() -> None:
    state = EngineState()
    first = state.apply(NOON, schedule())
    again = state.apply(NOON + MINUTE, schedule(cron="* * * * *"))
    assert again["status"] == 200
    assert again["schedule"] == first["schedule"]
    state.tick(NOON + MINUTE)
    assert state.promises == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"cron": "every minute"},
        {"cron": "99 * * * *"},
        {"cron": "R * * * *"},
        {"cron": "0 0 30 2 *"},
        {"id": "a:b"},
        {"promiseId": "{{.id}}:{{.timestamp}}"},
    ],
)
def test_a_schedule_that_cannot_fire_is_refused(changes: dict[str, Any]) -> None:
    state = EngineState()
    with pytest.raises(ServerError) as refused:
        state.apply(NOON, schedule(**changes))
    assert refused.value.code == 400
    assert state.schedules == {}


def test_a_schedule_needs_a_target() -> None:
    assert EngineState().apply(NOON, schedule(promiseTags={}))["status"] == 400


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 13 * * *", NOON, NOON + 60 * MINUTE),
        ("30 0 13 * * *", NOON, NOON + 60 * MINUTE + 30_000),
        ("*/10 * * * * *", NOON + 999, NOON + 10_000),
        ("0 12 * * THU", NOON, NOON + 7 * 24 * 60 * MINUTE),
    ],
)
def test_cron_is_utc_and_puts_seconds_first(expression: str, after: int, expected: int) -> None:
    assert next_run(expression, after) == expected


def test_a_run_of_many_steps_is_not_sent_all_of_them_with_each() -> None:
    state = EngineState()
    state.apply(1, create("job"))
    state.apply(1, {"kind": "task.acquire", "id": "job", "version": 0, "pid": "p", "ttl": 60_000})
    sent = []
    for number in range(1, MOST_BROUGHT_ALONG + 20):
        tags = {"resonate:origin": "job", "resonate:parent": "job", "resonate:branch": "job"}
        step = {"id": f"job:{number}", "timeoutAt": 1 << 40, "tags": tags}
        action = {"kind": "promise.create", "data": step}
        answer = state.apply(1, {"kind": "task.fence", "id": "job", "version": 0, "action": action})
        sent.append(len(answer["preload"]))
    assert sent[:3] == [1, 2, 3]
    assert set(sent[MOST_BROUGHT_ALONG:]) == {0}
    # Who takes the run up gets them all.
    state.apply(1, {"kind": "task.release", "id": "job", "version": 0})
    taken = state.apply(1, {"kind": "task.acquire", "id": "job", "version": 1, "pid": "q", "ttl": 60_000})
    assert len(taken["preload"]) == MOST_BROUGHT_ALONG + 19
