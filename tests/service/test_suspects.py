"""`engine.suspects`: a run that ends its process does so a few times, and no other run fails by it."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from pydantic import BaseModel
from resonate.connections.local import ServerState
from resonate.context import Context
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine import suspects, watch
from shop.runtime.engine.worker import stop
from shop.runtime.http.work import Outcome
from shop.runtime.service import Service

from .lives import Life
from .waiting import until


class Nothing(BaseModel):
    """A request and a result without content."""


poison = Rpc(name="poison", group="workers", request=Nothing, result=Nothing)
slow = Rpc(name="slow", group="workers", request=Nothing, result=Nothing)
waits = Rpc(name="waits", group="workers", request=Nothing, result=Nothing)


def has_succeeded(state: ServerState, engine_id: str) -> bool:
    return state.promises[engine_id].state == "resolved"


async def test_a_run_that_ends_its_process_is_put_aside_and_its_neighbours_go_on(
    definition: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "YOUNG", 0)
    told = []
    state, deaths = ServerState(), 0
    begun, alone = asyncio.Event(), asyncio.Event()

    @serve(poison)
    async def kill(ctx: Context, request: Nothing) -> Nothing:
        begun.set()
        await asyncio.sleep(60)  # The process is ended meanwhile.
        return request

    @serve(slow)
    async def take_time(ctx: Context, request: Nothing) -> Nothing:
        await alone.wait()
        return request

    async def outcome(life: Life, promise_id: str) -> Outcome:
        record = await life.client.find(promise_id)
        assert record is not None
        return Outcome.of(record)

    life = Life(definition, state, kill, take_time)
    for contract, promise_id in ((slow, "slow/1"), (poison, "poison/1"), (slow, "slow/2")):
        await contract.start(life.client, promise_id, Nothing(), timeout=timedelta(days=30))
    while True:
        ended = asyncio.create_task(until(lambda: state.promises["shop/poison/1"].state != "pending"))
        died = asyncio.create_task(begun.wait())
        # From the third life on only one of the three runs at a time.
        alone.set() if deaths >= 2 else alone.clear()
        await asyncio.wait([ended, died], return_when=asyncio.FIRST_COMPLETED)
        died.cancel()
        if not begun.is_set():
            break
        ended.cancel()
        record = await life.client.find("poison/1")
        assert record is not None
        found = await watch.find_untaken(life.client, record)
        told.append(found and found.problem)
        await life.die()
        begun.clear()
        deaths += 1
        life = Life(definition, state, kill, take_time)
    # Of the first death nobody knows, and the second is known when it is taken after that.
    many = "processes ended while it ran (%d in a row): it is tried again, alone"
    assert told == [None, None, many % 1, many % 2]
    failed = await outcome(life, "poison/1")
    assert failed.error is not None and failed.error.code == "crashes-worker"
    assert "`runs retry poison/1` starts it again" in failed.error.message
    assert deaths == 1 + suspects.MOST_CRASHES
    for number in (1, 2):
        await until(partial(has_succeeded, state, f"shop/slow/{number}"))
    await stop(life.client, timedelta(seconds=1))


async def test_a_run_that_a_stop_cuts_off_is_no_suspect(definition: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deployments take it again and again, and nothing has crashed."""
    monkeypatch.setattr(suspects, "SUSPECT_AFTER", 0)
    monkeypatch.setattr(suspects, "MOST_CRASHES", 1)
    state, begun = ServerState(), asyncio.Event()

    @serve(slow)
    async def take_time(ctx: Context, request: Nothing) -> Nothing:
        if not begun.is_set():
            begun.set()
            await asyncio.sleep(60)
        return request

    life = Life(definition, state, take_time)
    await slow.start(life.client, "slow/1", Nothing(), timeout=timedelta(days=30))
    await begun.wait()
    assert [promise.state for promise in state.promises.values() if "suspect" in promise.id] == ["pending"]
    await stop(life.client, timedelta(0))
    await life.die()
    life = Life(definition, state, take_time)
    await until(lambda: state.promises["shop/slow/1"].state != "pending")
    assert state.promises["shop/slow/1"].state == "resolved"
    await stop(life.client, timedelta(seconds=1))


async def test_notes_cost_a_workflow_nothing_in_the_process_that_it_stays_in(definition: Service) -> None:
    state = ServerState()

    @serve(waits)
    async def wait(ctx: Context, request: Nothing) -> Nothing:
        for _ in range(8):
            await slow(ctx, request)
        return request

    @serve(slow)
    async def answer(ctx: Context, request: Nothing) -> Nothing:
        return request

    life = Life(definition, state, wait, answer)
    await waits.start(life.client, "waits/1", Nothing())
    await until(lambda: state.promises["shop/waits/1"].state == "resolved")
    assert state.tasks["shop/waits/1"].version >= 8
    assert not [promise for promise in state.promises if "suspect" in promise]
    await stop(life.client, timedelta(seconds=1))
