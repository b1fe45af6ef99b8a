"""`engine.heartbeat`: leases are kept while the event loop is blocked, and what blocks it is told."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from resonate.context import Context
from resonate.error import ConnectorError
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine import heartbeat as heartbeat_module
from shop.runtime.engine.client import build
from shop.runtime.engine.heartbeat import ThreadHeartbeat
from shop.runtime.engine.worker import register, stop
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings

from .telemetry import counted
from .topology import Topology


class Nothing(BaseModel):
    pass


class Beats:
    """A connection that answers heartbeats, and remembers them."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, list[str]]] = []
        self.threads: set[str] = set()
        self.stopped = False

    async def start(self) -> None:
        """Nothing is to be opened."""

    async def stop(self) -> None:
        """Remember that it was."""
        self.stopped = True

    async def send(self, req: str, headers: dict[str, str] | None = None) -> str:
        """Answer a request."""
        request = json.loads(req)
        self.sent.append((time.monotonic(), sorted(task["id"] for task in request["data"]["tasks"])))
        self.threads.add(threading.current_thread().name)
        head = {"corrId": request["head"]["corrId"], "status": 200, "version": request["head"]["version"]}
        return json.dumps({"kind": request["kind"], "head": head, "data": {}})


type Started = tuple[ThreadHeartbeat, Beats]


@pytest.fixture
def beating() -> Iterator[Started]:
    """A heartbeat every 0.1 s, and what it sends."""
    beats = Beats()
    network: Any = beats
    heartbeat = ThreadHeartbeat(lambda: network, "test", timedelta(seconds=0.3))
    yield heartbeat, beats
    heartbeat.shutdown()


async def until(holds: Callable[[], object]) -> None:
    """Wait for something that comes soon."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_it_beats_while_the_loop_is_blocked(beating: Started) -> None:
    heartbeat, beats = beating
    heartbeat.start("a", 1)
    blocked_at = time.monotonic()
    time.sleep(0.6)  # noqa: ASYNC251
    during = [tasks for at, tasks in beats.sent if at > blocked_at]
    assert len(during) >= 3 and during[-1] == ["a"]
    assert beats.threads == {"heartbeat"}


async def test_it_beats_for_what_runs(beating: Started) -> None:
    heartbeat, beats = beating
    heartbeat.start("a", 1)
    heartbeat.start("b", 1)
    await until(lambda: beats.sent and beats.sent[-1][1] == ["a", "b"])
    heartbeat.stop("a")
    await until(lambda: beats.sent and beats.sent[-1][1] == ["b"])
    heartbeat.stop("b")
    await asyncio.sleep(0.15)
    count = len(beats.sent)
    await asyncio.sleep(0.3)
    assert len(beats.sent) == count
    heartbeat.start("c", 1)
    await until(lambda: beats.sent and beats.sent[-1][1] == ["c"])


async def test_a_run_that_lost_its_lease_leaves_that_of_the_next_one(beating: Started) -> None:
    """As after an outage of the engine: the run goes on in its pause, and has been taken here again before it ends."""
    heartbeat, beats = beating
    taken_again = asyncio.Event()

    async def run(version: int) -> None:
        heartbeat.start("a", version)
        await taken_again.wait()
        heartbeat.stop("a")

    first = asyncio.create_task(run(1))
    await asyncio.sleep(0)
    heartbeat.start("a", 2)
    taken_again.set()
    await first
    await until(lambda: beats.sent and beats.sent[-1][1] == ["a"])


async def test_a_run_that_ends_soon_needs_none(beating: Started) -> None:
    heartbeat, beats = beating
    for number in range(20):
        heartbeat.start("a", number)
        heartbeat.stop("a")
        await asyncio.sleep(0.01)
    assert beats.sent == []


async def test_a_beat_that_fails_is_told_and_the_next_one_comes(
    beating: Started, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat, beats = beating

    async def fail(req: str, headers: dict[str, str] | None = None) -> str:
        monkeypatch.undo()
        raise ConnectorError(OSError("no route"))

    monkeypatch.setattr(beats, "send", fail)
    heartbeat.start("a", 1)
    await until(lambda: beats.sent)
    assert "the heartbeat of 1 runs failed" in caplog.text


async def test_it_ends(beating: Started) -> None:
    heartbeat, beats = beating
    heartbeat.stop("never started")
    heartbeat.start("a", 1)
    heartbeat.shutdown()
    await until(lambda: beats.stopped)
    await until(lambda: "heartbeat" not in {thread.name for thread in threading.enumerate()})
    heartbeat.stop("a")
    heartbeat.start("b", 1)  # And begins anew.
    await until(lambda: beats.sent and beats.sent[-1][1] == ["b"])


async def test_what_blocks_the_loop_is_told_once(
    beating: Started, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heartbeat_module, "BLOCKED_AFTER", 0.3)
    monkeypatch.setattr(heartbeat_module, "_LOOK_EVERY", 0.05)
    before = counted("event_loop_blocked_total")
    heartbeat, _ = beating
    heartbeat.start("a", 1)
    await asyncio.sleep(0.6)
    assert counted("event_loop_blocked_total") == before

    def culprit() -> None:
        time.sleep(1)

    for blocked in (1, 2):
        culprit()
        await asyncio.sleep(0.3)
        told = [line for line in caplog.records if "has been blocked" in line.getMessage()]
        assert (len(told), counted("event_loop_blocked_total")) == (blocked, before + blocked)
        assert told[-1].levelno == logging.ERROR and "in culprit" in (told[-1].stack_info or "")


async def test_what_blocks_for_longer_than_its_lease_runs_once(topology: Topology, definition: Service) -> None:
    contract = Rpc(name="block", group="beside.workers", request=Nothing, result=Nothing)
    begun = []

    @serve(contract)
    async def block(ctx: Context, request: Nothing) -> Nothing:
        await ctx.run(step)
        return request

    async def step(ctx: Context) -> None:
        begun.append(ctx.info.id)
        time.sleep(2.5)  # noqa: ASYNC251

    settings = make_settings(definition, resonate_url=topology.engine_url, lease=1)
    client = build(settings, definition.namespace(settings), contract.group, listens=True)
    register(client, [block], [])
    client.resonate.start()
    try:
        record = await contract.start(client, "block/1", Nothing())
        deadline = time.monotonic() + 20
        while record.state == "pending" and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            record = await client.find(record.id) or record
        assert (record.state, begun) == ("resolved", ["shop/block/1:1"])
    finally:
        await stop(client, timedelta(seconds=1))
