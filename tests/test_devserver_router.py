"""The router: each message to the right process, none lost to one that has gone."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import msgspec
import pytest

from resonate_scaffold.devserver.protocol import Execute, Unblock
from resonate_scaffold.devserver.protocol.records import EMPTY, PromiseRecord
from resonate_scaffold.devserver.router import (
    FRESH_MS,
    MOST_FRESH,
    RESEND_MAX_MS,
    RESEND_MS,
    UNBLOCK_MS,
    Address,
    Poller,
    Router,
)

WORKERS = "poll://any@workers"


class Tasks:
    """Which tasks wait, at which version: what the router asks the state."""

    def __init__(self) -> None:
        self.pending: dict[str, int] = {}

    def __call__(self, task_id: str, version: int) -> bool:
        return self.pending.get(task_id) == version


@pytest.fixture
def tasks() -> Tasks:
    return Tasks()


@pytest.fixture
def router(tasks: Tasks) -> Router:
    return Router(tasks)


def send(router: Router, tasks: Tasks, id: str, version: int = 0, to: str = WORKERS, now: int = 0) -> None:
    tasks.pending[id] = version
    router.execute(Execute(to, id, version), now)


def got(poller: Poller) -> list[Any]:
    """Task ids and settled promise ids, in the order received."""
    data = [msgspec.json.decode(payload)["data"] for payload in poller.take()]
    return [each["task"]["id"] if "task" in each else each["promise"]["id"] for each in data]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("poll://any@g", Address("g", None)),
        ("poll://any@g/p", Address("g", None, "p")),
        ("poll://uni@g/p", Address("g", "p")),
        ("poll://uni@g", None),
        ("http://host/", None),
        ("poll://all@g", None),
        ("", None),
    ],
)
def test_addresses(text: str, address: Address | None) -> None:
    assert Address.parse(text) == address


def test_work_goes_to_one_member_of_its_group_in_turn(router: Router, tasks: Tasks) -> None:
    one, two, other = (router.connect(g, p, 0) for g, p in [("workers", "1"), ("workers", "2"), ("db", "3")])
    for n in range(6):
        send(router, tasks, f"t{n}")
    first, second = got(one), got(two)
    assert len(first) == len(second) == 3
    assert sorted(first + second) == [f"t{n}" for n in range(6)]
    assert got(other) == []


def test_uni_goes_to_that_process_only(router: Router, tasks: Tasks) -> None:
    one, two = router.connect("workers", "1", 0), router.connect("workers", "2", 0)
    for n in range(3):
        send(router, tasks, f"t{n}", to="poll://uni@workers/2")
    send(router, tasks, "nobody", to="poll://uni@workers/3")
    assert got(one) == []
    assert got(two) == ["t0", "t1", "t2"]
    assert got(router.connect("workers", "3", 0)) == ["nobody"]


def test_any_goes_to_the_process_that_it_names_while_that_is_there(router: Router, tasks: Tasks) -> None:
    one, two = router.connect("workers", "1", 0), router.connect("workers", "2", 0)
    for n in range(3):
        send(router, tasks, f"t{n}", to="poll://any@workers/2")
    assert (got(one), got(two)) == ([], ["t0", "t1", "t2"])
    router.disconnect(two, 0)
    assert sorted(got(one)) == ["t0", "t1", "t2"]
    send(router, tasks, "late", to="poll://any@workers/2")
    assert got(one) == ["late"]


def test_work_waits_for_a_member_to_connect(router: Router, tasks: Tasks) -> None:
    send(router, tasks, "a")
    send(router, tasks, "b")
    send(router, tasks, "a", version=1)
    send(router, tasks, "settled meanwhile")
    del tasks.pending["settled meanwhile"]
    router.connect("db", "x", 0)
    assert sorted(got(router.connect("workers", "1", 10))) == ["a", "b"]
    assert got(router.connect("workers", "2", 10)) == []


def test_what_a_gone_process_has_not_taken_up_goes_to_the_next(router: Router, tasks: Tasks) -> None:
    gone = router.connect("workers", "1", 0)
    for id in ("written", "queued", "taken"):
        send(router, tasks, id)
    gone.take()
    del tasks.pending["taken"]
    stays = router.connect("workers", "2", 0)
    assert got(stays) == []
    router.disconnect(gone, 5)
    assert sorted(got(stays)) == ["queued", "written"]
    router.disconnect(stays, 6)
    assert sorted(got(router.connect("workers", "3", 7))) == ["queued", "written"]


def test_a_silent_process_is_asked_again_less_and_less_often(router: Router, tasks: Tasks) -> None:
    worker = router.connect("workers", "1", 0)
    send(router, tasks, "a")
    times = []
    for now in range(0, 300_000, 100):
        router.tick(now)
        if got(worker):
            times.append(now)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps == [RESEND_MS, *[RESEND_MAX_MS] * 4]
    del tasks.pending["a"]
    router.tick(1_000_000)
    assert got(worker) == []
    assert router._executes == {} and len(router._resends) == 0 and worker.tasks == {}


def test_a_backlog_is_handed_out_as_it_is_taken(router: Router, tasks: Tasks) -> None:
    for number in range(400):
        send(router, tasks, f"t{number}")
    worker = router.connect("workers", "1", 0)
    offered = got(worker)
    assert offered == [f"t{number}" for number in range(MOST_FRESH)]
    # What it takes makes room for the next, in order; the others go to the next process.
    for id in offered[:10]:
        del tasks.pending[id]
        router.taken(id, 1)
    assert got(worker) == [f"t{number}" for number in range(MOST_FRESH, MOST_FRESH + 10)]
    other = router.connect("workers", "2", 2)
    assert got(other) == [f"t{number}" for number in range(MOST_FRESH + 10, 2 * MOST_FRESH + 10)]
    # Runs that a worker holds back keep nothing from it for long.
    router.tick(FRESH_MS + 5)
    send(router, tasks, "late", now=FRESH_MS + 5)
    rest = got(worker) + got(other)
    assert "late" in rest
    assert len(rest) == 400 + 1 - (2 * MOST_FRESH + 10)
    # Nothing is offered twice while who has it lives.
    router.tick(RESEND_MS - 1)
    assert got(worker) + got(other) == []


def test_a_silent_process_is_not_the_only_one_asked(router: Router, tasks: Tasks) -> None:
    one, two = router.connect("workers", "1", 0), router.connect("workers", "2", 0)
    send(router, tasks, "a")
    send(router, tasks, "b")
    first = got(one), got(two)
    assert sorted(first) == [["a"], ["b"]]
    router.tick(RESEND_MS)
    assert (got(two), got(one)) == first


def test_the_same_version_is_handed_out_once_and_a_newer_replaces_it(router: Router, tasks: Tasks) -> None:
    worker = router.connect("workers", "1", 0)
    send(router, tasks, "a")
    send(router, tasks, "a")
    assert got(worker) == ["a"]
    send(router, tasks, "a", version=1)
    assert got(worker) == ["a"]
    router.tick(RESEND_MS - 1)
    assert got(worker) == []


def test_a_delayed_hand_out_waits(router: Router, tasks: Tasks) -> None:
    worker = router.connect("workers", "1", 0)
    tasks.pending["a"] = 1
    router.execute(Execute(WORKERS, "a", 1), now=0, delay_ms=1_000)
    router.tick(999)
    assert got(worker) == []
    router.tick(1_000)
    assert got(worker) == ["a"]


def test_news_goes_to_its_process_or_waits_a_minute(router: Router) -> None:
    def news(id: str, pid: str, now: int) -> None:
        record = PromiseRecord(id, "resolved", EMPTY, EMPTY, {}, 1, 1, 1)
        router.unblock(Unblock(f"poll://uni@api/{pid}", record), now)

    one, other = router.connect("api", "1", 0), router.connect("api", "2", 0)
    news("a", "1", 0)
    assert got(one) == ["a"] and got(other) == []
    news("b", "late", 0)
    news("c", "later", 0)
    router.tick(UNBLOCK_MS - 1)
    assert got(router.connect("api", "late", UNBLOCK_MS - 1)) == ["b"]
    router.tick(UNBLOCK_MS)
    assert got(router.connect("api", "later", UNBLOCK_MS)) == []
    assert not router._unblocks


def test_one_pid_on_two_streams_hears_everything_on_the_newer(router: Router, tasks: Tasks) -> None:
    old, new = router.connect("workers", "1", 0), router.connect("workers", "1", 0)
    send(router, tasks, "a", to="poll://uni@workers/1")
    assert (got(old), got(new)) == ([], ["a"])
    router.disconnect(old, 1)
    send(router, tasks, "b")
    assert got(new) == ["b"]


def test_an_address_of_another_kind_is_reported_once(
    router: Router, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(3):
        send(router, tasks, f"t{n}", to="https://example.com/hook")
    assert caplog.text.count("cannot deliver") == 1


def test_payloads_are_ascii_lines(router: Router, tasks: Tasks) -> None:
    worker = router.connect("workers", "1", 0)
    send(router, tasks, "jöb/\u2028\n\x85")
    (payload,) = worker.take()
    assert payload.isascii() and payload.splitlines() == [payload]
    assert msgspec.json.decode(payload)["data"]["task"]["id"] == "jöb/\u2028\n\x85"


def test_waiting_ends_with_a_message_the_end_or_the_time() -> None:
    async def scenario() -> None:
        poller = Poller("g", "p")
        await asyncio.wait_for(poller.wait(0), 1)
        waiting = asyncio.create_task(poller.wait(60))
        poller.put("x")
        await asyncio.wait_for(waiting, 1)
        assert poller.take() == ["x"]
        waiting = asyncio.create_task(poller.wait(60))
        poller.close()
        await asyncio.wait_for(waiting, 1)

    asyncio.run(scenario())
