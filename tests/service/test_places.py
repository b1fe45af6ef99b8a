"""`engine.places` and `engine.offers`: what one bad function leaves to the others, and what begins when."""

import asyncio
import re
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine import places
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.misfits import Misfits
from shop.runtime.engine.offers import Offers
from shop.runtime.engine.places import Place, Places
from shop.runtime.engine.retry import Retry
from shop.runtime.engine.worker import register, stop
from shop.runtime.service import Service, functions_of
from shop.runtime.telemetry import metrics
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import StartService

from .telemetry import counted
from .waiting import until


class Nothing(BaseModel):
    """A request and a result without content."""


bad = Rpc(name="bad", group="workers", request=Nothing, result=Nothing)
good = Rpc(name="good", group="workers", request=Nothing, result=Nothing)


@serve(good)
async def succeed(ctx: Context, request: Nothing) -> Nothing:
    """Succeed at once."""
    return request


@serve(bad, retry=Retry(5, first=60))
async def fail(ctx: Context, request: Nothing) -> Nothing:
    """Fail, and wait for a minute."""
    raise ConnectionError("away")


# Whole workers


async def test_a_run_in_back_off_holds_no_place(start_service: StartService) -> None:
    async with start_service([succeed, fail], max_runs=1, shutdown_grace=0) as service:
        for number in range(3):
            await bad.start(service.client, f"bad/{number}", Nothing())
        await until(lambda: gauges(service.client)["back_off"] == 3)
        await service.run(good, "good/1", Nothing())
        assert gauges(service.client) == {"in_use": 0, "back_off": 3}


async def test_a_step_in_back_off_holds_no_place(start_service: StartService) -> None:
    async def step(ctx: Context) -> None:
        raise ConnectionError("away")

    @serve(bad)
    async def workflow(ctx: Context, request: Nothing) -> Nothing:
        patient = ctx.options(retry_policy=Retry(5, first=60))
        calls = [patient.run(step), patient.run(step)]
        for call in calls:
            await call
        return request

    async with start_service([succeed, workflow], max_runs=1, shutdown_grace=0) as service:
        await bad.start(service.client, "bad/1", Nothing())
        await until(lambda: gauges(service.client)["back_off"] == 2)
        await service.run(good, "good/1", Nothing())


async def test_a_run_goes_on_after_its_pause_when_there_is_a_place(start_service: StartService) -> None:
    tries, most = [], 0

    @serve(bad, retry=Retry(1, first=1))
    async def fail_once(ctx: Context, request: Nothing) -> Nothing:
        nonlocal most
        tries.append(ctx.info.id)
        most = max(most, int(gauges(service.client)["in_use"]))
        if tries.count(ctx.info.id) == 1:
            raise ConnectionError("away")
        return request

    async with start_service([fail_once], max_runs=1) as service:
        await asyncio.gather(*[service.run(bad, f"bad/{number}", Nothing()) for number in range(3)])
        assert len(tries) == 6 and most == 1
        await until(lambda: gauges(service.client) == {"in_use": 0, "back_off": 0})


async def test_one_function_leaves_places_to_the_others(start_service: StartService) -> None:
    hung = 0

    @serve(bad)
    async def hang(ctx: Context, request: Nothing) -> Nothing:
        nonlocal hung
        hung += 1
        await asyncio.sleep(60)
        return request

    async with start_service([succeed, hang], max_runs=4, shutdown_grace=0) as service:
        for number in range(10):
            await bad.start(service.client, f"bad/{number}", Nothing())
        await until(lambda: hung == 3)
        await asyncio.gather(*[service.run(good, f"good/{number}", Nothing()) for number in range(5)])
        assert hung == 3
        await service.client.health_problem()
        assert counted("worker_oldest_waiting_seconds") > 0


async def test_a_process_in_which_nothing_gets_on_is_not_ready(
    start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "STUCK_AFTER", 0.3)
    go_on = asyncio.Event()

    @serve(bad)
    async def hang(ctx: Context, request: Nothing) -> Nothing:
        await go_on.wait()
        return request

    async with start_service([hang], max_runs=1) as service:
        await bad.start(service.client, "bad/1", Nothing())
        await until(service.client.health_problem)
        said = str(await service.client.health_problem())
        assert re.fullmatch(r"all 1 places for runs have been held for \d+ s, by bad \(1\)", said)
        go_on.set()
        await service.run(bad, "bad/1", Nothing())
        assert await service.client.health_problem() is None


async def test_a_worker_that_drains_begins_nothing_and_hands_back_what_waits(definition: Service) -> None:
    local = LocalConnection(group="tests")
    settings = make_settings(definition, max_runs=2)
    client = build(settings, definition.namespace(settings), "workers", listens=True, local=local)
    begun, go_on = [], asyncio.Event()

    @serve(good)
    async def wait(ctx: Context, request: Nothing) -> Nothing:
        begun.append(ctx.info.id)
        await go_on.wait()
        return request

    register(client, functions_of([wait, fail]), [])
    client.resonate.start()
    await bad.start(client, "bad/1", Nothing())
    await until(lambda: gauges(client)["back_off"] == 1)
    for number in range(20):
        await good.start(client, f"good/{number}", Nothing())
    await until(lambda: len(begun) == 2)
    stopping = asyncio.create_task(stop(client, timedelta(seconds=20)))
    await until(lambda: local.state.tasks["shop/bad/1"].state == "pending")
    go_on.set()
    async with asyncio.timeout(10):
        await stopping
    assert len(begun) == 2
    ended = [promise.id for promise in local.state.promises.values() if promise.state == "resolved"]
    assert sorted(ended) == sorted(begun)


def gauges(client: EngineClient) -> dict[str, float]:
    """The gauge of runs, by state."""
    getattr(client.resonate, "offers").measure()  # noqa: B009  (the SDK's type has none)
    return {state: metrics.PLACES.labels(state)._value.get() for state in ("in_use", "back_off")}


# Parts


async def test_what_is_offered_again_runs_once() -> None:
    ran: list[tuple[str, int]] = []
    tasks: list[asyncio.Task[None]] = []
    go_on = asyncio.Event()

    async def execute(run: str, version: int) -> None:
        offers.note_taken(run, version)
        ran.append((run, version))
        await go_on.wait()

    async def function_of(run: str) -> str:
        return "f"

    def spawn(work: Coroutine[Any, Any, None]) -> None:
        tasks.append(asyncio.create_task(work))

    offers = Offers(Places(1, 1), Misfits(), execute, function_of, spawn)
    for _ in range(3):
        for run in ("a", "b", "c"):
            offers.add(run, 0)
    offers.add("b", 4)
    await until(lambda: ran == [("a", 0)])
    offers.add("a", 0)
    go_on.set()
    await until(lambda: all(task.done() for task in tasks))
    assert ran == [("a", 0), ("b", 4), ("c", 0)]
    offers.add("b", 4)  # Late: it was sent before this worker took the run.
    offers.add("b", 5)
    await until(lambda: ran[3:] == [("b", 5)])


async def test_those_that_have_begun_come_first() -> None:
    shared, order = Places(1, 1), []
    await shared.take("f")

    async def wait(name: str, *, first: bool) -> None:
        await shared.take("f", first=first)
        order.append(name)
        shared.give("f")

    waiting = [asyncio.create_task(wait(name, first=name == "begun")) for name in ("new", "newer", "begun")]
    await asyncio.sleep(0)
    shared.give("f")
    await asyncio.gather(*waiting)
    assert order == ["begun", "new", "newer"]


async def test_a_run_that_is_canceled_leaves_its_place_as_it_was() -> None:
    shared = Places(1, 1)
    run = Place(shared, "f")

    async def work() -> None:
        async with run.held(taken=False):
            await run.lend(asyncio.sleep(60))

    for _ in range(3):
        task = asyncio.create_task(work())
        await until(lambda: shared.is_free)
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
    assert shared.is_free and shared.take_now("f") and not shared.is_free


async def test_one_that_no_longer_waits_takes_no_place() -> None:
    shared = Places(1, 1)
    await shared.take("f")
    gone = asyncio.create_task(shared.take("f"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    shared.give("f")
    assert shared.take_now("f")
