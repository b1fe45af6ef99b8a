"""The journal: nothing acknowledged is lost, nothing damaged is guessed at."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import tracemalloc
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from resonate.ids import origin_of

from resonate_scaffold.devserver import EngineError
from resonate_scaffold.devserver.compaction import Compaction
from resonate_scaffold.devserver.engine import Engine
from resonate_scaffold.devserver.entries import RequestEntry
from resonate_scaffold.devserver.journal import Journal
from resonate_scaffold.devserver.protocol import State, Task
from resonate_scaffold.devserver.protocol.tasks import PROTOCOL_VERSION
from resonate_scaffold.devserver.router import Poller
from tests.asking import FIRST, WORKERS, Asker
from tests.test_devserver_protocol import kept

DAY = 24 * 3600 * 1000


class Clock:
    def __init__(self, now: int = 1_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def ask(engine: Engine, kind: str, **data: Any) -> tuple[int, Any]:
    head = {"corrId": "c", "version": PROTOCOL_VERSION}
    status, body = engine.request(msgspec.json.encode({"kind": kind, "head": head, "data": data}))
    answer = msgspec.json.decode(body)
    assert answer["head"]["status"] == status
    return status, answer["data"]


def submit(engine: Engine, id: str, **changes: Any) -> None:
    origin = origin_of(id)
    tags = {
        "resonate:origin": origin,
        "resonate:branch": id,
        "resonate:parent": origin,
        "resonate:target": WORKERS,
    }
    assert ask(engine, "promise.create", **{"id": id, "timeoutAt": 1 << 50, "tags": tags} | changes)[0] == 200


def acquire(engine: Engine, id: str, version: int = 0) -> None:
    assert ask(engine, "task.acquire", id=id, version=version, pid="p", ttl=60_000)[0] == 200


def suspend(engine: Engine, id: str, version: int, awaited: str) -> None:
    data = {"awaited": awaited, "awaiter": id}
    actions = [{"kind": "promise.register_callback", "head": {}, "data": data}]
    assert ask(engine, "task.suspend", id=id, version=version, actions=actions)[0] == 200


def task_of(engine: Engine, id: str) -> Task:
    promise = engine.state.find(id)
    assert promise is not None and promise.task is not None
    return promise.task


def ids_of(engine: Engine) -> list[str]:
    return [promise.id for promise in engine.state.search_promises(None, None, None)]


def executes(poller: Poller) -> list[tuple[str, int]]:
    tasks = [msgspec.json.decode(payload)["data"]["task"] for payload in poller.take()]
    return [(task["id"], task["version"]) for task in tasks]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "engine.jsonl"


def test_a_restart_brings_back_what_was_and_hands_out_what_waits(path: Path) -> None:
    clock = Clock()
    engine = Engine(path, clock)
    for id in ("waits", "runs", "gate", "done"):
        submit(engine, id)
    acquire(engine, "runs")
    acquire(engine, "gate")
    ask(engine, "promise.create", id="gate:1", timeoutAt=1 << 50, tags={"resonate:origin": "gate"})
    suspend(engine, "gate", 1, "gate:1")
    acquire(engine, "done")
    settle = {
        "kind": "promise.settle",
        "head": {},
        "data": {"id": "done", "state": "resolved", "value": {"data": "MQ=="}},
    }
    assert ask(engine, "task.fulfill", id="done", version=1, action=settle)[0] == 200
    promises = engine.state.promises
    engine.close()

    for again in range(2):  # from requests, then from a snapshot
        clock.now += 3_600_000
        engine = Engine(path, clock)
        if again:
            engine.compact()
            engine.close()
            engine = Engine(path, clock)
        assert ids_of(engine) == sorted(promises)
        assert {id: engine.state.find(id) for id in promises} == promises
        # The lease that was held begins anew, although an hour has passed.
        engine.tick()
        assert task_of(engine, "runs").state == "acquired"
        assert engine.state.task_deadlines.get("runs") == clock.now + 60_000
        assert executes(engine.connect("workers", "w")) == [("waits", 0)]
        engine.close()

    engine = Engine(path, clock)
    worker = engine.connect("workers", "w")
    worker.take()
    ask(engine, "promise.settle", id="gate:1", state="resolved", value={})
    assert executes(worker) == [("gate", 1)]
    engine.close()


def test_time_does_not_go_back_when_the_clock_does(path: Path) -> None:
    engine = Engine(path, Clock(5_000))
    submit(engine, "a")
    engine.close()
    engine = Engine(path, Clock(10))
    assert engine.now() == 5_000
    engine.close()


def test_deadlines_that_passed_while_down_fall_due_at_the_first_tick(path: Path) -> None:
    clock = Clock()
    engine = Engine(path, clock)
    submit(engine, "short", timeoutAt=2_000)
    engine.close()
    clock.now = 9_000
    engine = Engine(path, clock)
    engine.tick()
    assert engine.state.promises["short"].record.state == "rejected_timedout"
    engine.close()


def test_a_read_that_times_something_out_is_remembered(path: Path) -> None:
    clock = Clock()
    engine = Engine(path, clock)
    submit(engine, "a")
    acquire(engine, "a")
    ask(engine, "promise.create", id="a:1", timeoutAt=2_000, tags={"resonate:origin": "a"})
    suspend(engine, "a", 1, "a:1")
    size = path.stat().st_size
    ask(engine, "promise.get", id="a:1")
    assert path.stat().st_size == size, "a read that changes nothing costs no line"
    clock.now = 3_000
    assert ask(engine, "promise.get", id="a:1")[1]["promise"]["state"] == "rejected_timedout"
    acquire(engine, "a", version=1)
    engine.close()
    engine = Engine(path, clock)
    assert (task_of(engine, "a").state, task_of(engine, "a").version) == ("acquired", 2)
    engine.close()


def test_a_deferred_task_is_still_deferred_after_a_restart(path: Path) -> None:
    clock = Clock()
    engine = Engine(path, clock)
    tags = {"resonate:target": WORKERS, "resonate:delay": "50000"}
    submit(engine, "later", tags=tags)
    engine.close()
    engine = Engine(path, clock)
    worker = engine.connect("workers", "w")
    engine.tick()
    assert executes(worker) == []
    clock.now = 50_000
    engine.tick()
    assert executes(worker) == [("later", 0)]
    engine.close()


def test_schedules_survive_and_make_up_for_what_they_missed(path: Path) -> None:
    clock = Clock(0)
    engine = Engine(path, clock)
    created = ask(
        engine, "schedule.create", id="s", cron="* * * * *", promiseId="{{.id}}-{{.timestamp}}",
        promiseTimeout=3_600_000, promiseTags={"resonate:target": WORKERS},
    )  # fmt: skip
    assert created[0] == 200
    clock.now = 60_000
    engine.tick()
    engine.close()
    clock.now = 130_000
    engine = Engine(path, clock)
    engine.tick()
    assert sorted(engine.state.promises) == ["s-120000", "s-60000"]
    assert ask(engine, "schedule.get", id="s")[1]["schedule"]["nextRunAt"] == 180_000
    engine.close()


def test_a_last_line_without_its_end_is_dropped(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = Engine(path)
    submit(engine, "a")
    whole = path.stat().st_size
    submit(engine, "b")
    engine.close()
    content = path.read_bytes()
    for cut in (whole + 1, len(content) - 1):
        path.write_bytes(content[:cut])
        with caplog.at_level(logging.WARNING):
            engine = Engine(path)
        assert list(engine.state.promises) == ["a"]
        assert "unfinished last line" in caplog.text
        submit(engine, "c")
        engine.close()
        engine = Engine(path)
        assert list(engine.state.promises) == ["a", "c"]
        engine.close()


@pytest.mark.parametrize(
    ("line", "damage"),
    [
        (1, b"hello"),
        (2, b'{"entry":"request"}'),
        (2, b"\xff\x00"),
        (2, b'{"entry":"journal","format":1,"now":1}'),
    ],
)
def test_damage_elsewhere_is_an_error_that_names_the_line(path: Path, line: int, damage: bytes) -> None:
    engine = Engine(path)
    submit(engine, "a")
    submit(engine, "b")
    engine.close()
    lines = path.read_bytes().splitlines()
    lines[line - 1] = damage
    damaged = b"\n".join(lines) + b"\n"
    path.write_bytes(damaged)
    for _ in range(2):  # a refusal also lets go of the lock
        with pytest.raises(EngineError, match=f"engine.jsonl, line {line}: ") as refused:
            Engine(path)
        assert refused.value.hint
    assert path.read_bytes() == damaged


def test_reading_a_journal_takes_no_more_memory_than_what_it_leads_to(path: Path) -> None:
    size = 10_000_000
    written = Journal(path)
    compaction = Compaction(written, State(), 1)
    compaction.step(1)
    compaction.finish()
    data = msgspec.Raw(msgspec.json.encode({"id": "x" * (size // 200)}))
    for _ in range(200):
        written.append(RequestEntry(1, "promise.get", data))
    state = State()
    tracemalloc.start()
    try:
        assert written.read(state) == 1
        assert tracemalloc.get_traced_memory()[1] < size / 10
    finally:
        tracemalloc.stop()
        written.close()


def test_a_newer_format_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"entry":"journal","format":99,"now":1}\n')
    with pytest.raises(EngineError, match="format 99"):
        Engine(path)


def test_two_engines_on_one_journal_are_refused(path: Path) -> None:
    engine = Engine(path)
    with pytest.raises(EngineError, match="in use by another engine"):
        Engine(path)
    engine.close()
    Engine(path).close()


def test_another_process_is_refused_too(path: Path) -> None:
    engine = Engine(path)
    code = (
        "import sys, pathlib; from resonate_scaffold.devserver import EngineError;"
        "from resonate_scaffold.devserver.engine import Engine\n"
        "try: Engine(pathlib.Path(sys.argv[1]))\n"
        "except EngineError as e: print(e)"
    )
    result = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert "in use by another engine" in result.stdout
    engine.close()


@pytest.mark.parametrize("where", ["directory", "below a file"])
def test_a_path_that_cannot_be_a_file_is_refused(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="cannot be used"):
        Engine(tmp_path if where == "directory" else tmp_path / "file" / "journal")


def test_a_request_that_cannot_be_written_is_not_applied(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(path)
    submit(engine, "a")
    size = path.stat().st_size
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[:10])

    monkeypatch.setattr(os, "write", full)
    status, why = ask(engine, "promise.create", id="b", timeoutAt=1 << 50)
    assert status == 500 and "journal cannot be written" in why
    assert list(engine.state.promises) == ["a"]
    assert path.stat().st_size == size, "half a line is taken back"
    monkeypatch.undo()
    submit(engine, "b")
    engine.close()
    engine = Engine(path)
    assert list(engine.state.promises) == ["a", "b"]
    engine.close()


def test_a_refused_request_is_refused_again_on_replay(path: Path) -> None:
    engine = Engine(path)
    assert ask(engine, "promise.create", id="a:1", timeoutAt=1, tags={"resonate:origin": "b"})[0] == 400
    assert ask(engine, "no.such.kind")[0] == 400
    submit(engine, "a")
    engine.close()
    engine = Engine(path)
    assert list(engine.state.promises) == ["a"]
    engine.close()


def test_compaction_forgets_lineages_that_ended_long_ago_and_nothing_else(path: Path) -> None:
    clock = Clock()
    engine = Engine(path, clock)
    for id in ("old", "old:1", "half", "half:1", "recent"):
        submit(engine, id)
    for id in ("old", "old:1", "half"):
        ask(engine, "promise.settle", id=id, state="resolved")
    clock.now += 8 * DAY
    ask(engine, "promise.settle", id="recent", state="resolved")
    engine.close()
    engine = Engine(path, clock)
    engine.compact()
    size = path.stat().st_size
    for _ in range(2):
        assert ids_of(engine) == ["half", "half:1", "recent"]
        engine.close()
        engine = Engine(path, clock)
    engine.compact()
    assert path.stat().st_size == size, "compacting what is compact changes nothing"
    engine.close()


@pytest.mark.parametrize("seed", range(4))
def test_a_journal_cut_at_any_line_gives_the_state_of_then_also_while_it_is_compacted(
    path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resonate_scaffold.devserver.engine.GROWN", 4_000)
    monkeypatch.setattr("resonate_scaffold.devserver.engine.AT_A_TIME", 0.000_01)
    monkeypatch.setattr("resonate_scaffold.devserver.engine.REST_MS", 1_000)
    clock, random = Clock(FIRST), Random(seed)
    engine, compactions = Engine(path, clock), 0
    asker, inode = Asker(random, engine.state), path.stat().st_ino
    for number in range(400):
        clock.now += asker.pause()
        engine.tick()
        kind, data = asker.request(clock.now)
        ask(engine, kind, **data)
        if random.random() < 0.2:
            engine.sync()
        compactions += inode != path.stat().st_ino
        inode = path.stat().st_ino
        if number % 10 == 9:
            copy = path.with_name("copy")
            copy.write_bytes(path.read_bytes())  # as it would be after a kill
            state, journal = State(), Journal(copy)
            journal.read(state)
            journal.close()
            assert kept(state) == kept(engine.state)
    assert compactions > 3
    engine.close()


def test_what_ended_long_ago_leaves_with_what_it_left_behind(path: Path) -> None:
    """The approval settles `job:1`; what that waited for, `job:1.1`, is nobody's and has no deadline."""
    clock = Clock()
    engine = Engine(path, clock)
    for job in ("job", "open"):
        submit(engine, job)
        submit(engine, f"{job}:1")
        tags = {"resonate:origin": job, "resonate:branch": f"{job}:1", "resonate:parent": f"{job}:1"}
        assert ask(engine, "promise.create", id=f"{job}:1.1", timeoutAt=1 << 50, tags=tags)[0] == 200
        ask(engine, "promise.settle", id=f"{job}:1", state="resolved")
    submit(engine, "job:2")
    ask(engine, "promise.settle", id="job", state="resolved")
    clock.now += 8 * DAY
    engine.compact()
    assert len(ids_of(engine)) == 7, "a detached run of the job goes on"
    ask(engine, "promise.settle", id="job:2", state="resolved")
    clock.now += 8 * DAY
    engine.compact()
    assert ids_of(engine) == ["open", "open:1", "open:1.1"]
    engine.close()


def test_a_compaction_that_cannot_be_written_leaves_the_journal_as_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("resonate_scaffold.devserver.engine.GROWN", 1_000)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("resonate_scaffold.devserver.compaction.Compaction._save", full)
    engine = Engine(path)
    for number in range(20):
        submit(engine, f"job/{number}")
        engine.tick()
    assert "the journal cannot be compacted" in caplog.text
    assert [each.name for each in path.parent.iterdir() if each.name.endswith(".new")] == []
    engine.close()
    monkeypatch.undo()
    engine = Engine(path)
    assert len(ids_of(engine)) == 20
    engine.close()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_journal_is_for_its_user_alone(path: Path) -> None:
    engine = Engine(path)
    submit(engine, "a")
    engine.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
