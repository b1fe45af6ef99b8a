"""`engine.ends`: whoever waits for the end of work is told of it, and asks seldom."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

import pytest
from shop.runtime.engine.client import build
from shop.runtime.engine.worker import stop
from shop.runtime.http import work
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import RunningService

from .counting import counting
from .engines import engine_process


async def wait_while(service: RunningService, act: Callable[[], object]) -> tuple[str, float]:
    """Wait for the end of a promise while something happens after a second: its state, and how long that took, in s."""
    client = service.client
    record = await client.create("wait/1", None, client.clock.now_ms() + 60_000)
    began = monotonic()
    waiting = asyncio.create_task(work.wait_for_end(client, record, 20))
    await asyncio.sleep(1)
    act()
    await client.resolve("wait/1", None)
    return (await waiting).state, monotonic() - began


async def test_who_waits_is_told_and_asks_once(service: RunningService) -> None:
    with counting(service.client) as asked:
        state, seconds = await wait_while(service, lambda: None)
    assert (state, seconds < 1.5) == ("resolved", True)
    assert asked.waiting == {"promise.register_listener": 1, "promise.get": 1}
    assert service.client.ends is not None and not service.client.ends._waiting


async def test_a_lost_message_costs_time_alone(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_PAUSE_OF_TOLD", 1.5)
    ends = service.client.ends
    assert ends is not None
    listeners = ends._waiting

    def lose() -> None:
        for waiting in listeners.values():
            waiting.clear()

    state, seconds = await wait_while(service, lose)
    assert (state, 1.4 < seconds < 3) == ("resolved", True)


async def test_a_process_that_serves_nothing_is_told_over_its_stream(definition: Service) -> None:
    with engine_process() as url:
        settings = make_settings(definition, resonate_url=url)
        client = build(settings, definition.namespace(settings), "api", listens=False, waits=True)
        assert client.ends is not None
        client.resonate.start()
        await client.ends.start()
        try:
            async with asyncio.timeout(10):
                while not client.ends.are_heard:  # noqa: ASYNC110  (the stream opens)
                    await asyncio.sleep(0.01)
            record = await client.create("wait/1", None, client.clock.now_ms() + 60_000)
            async with client.told_of_end(record.id) as told:
                assert told is not None and not told.done()
                await client.resolve(record.id, None)
                await asyncio.wait_for(told, 5)
            async with client.told_of_end(record.id) as told:
                assert told is not None and told.done()
            async with client.told_of_end("wait/2") as told:
                assert told is None
        finally:
            await client.ends.stop()
            await stop(client, timedelta(0))
