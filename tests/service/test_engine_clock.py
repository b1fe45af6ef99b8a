"""`engine.clock`: time-outs are counted from the engine's clock, and a difference is said."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import formatdate
from time import time
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import BaseModel
from shop.runtime.durable.rpc import Rpc
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.clock import EngineClock
from shop.runtime.engine.watch import YOUNG, Untaken, find_untaken
from shop.runtime.engine.worker import stop
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import RunningService

from .telemetry import counted

pytestmark = pytest.mark.usefixtures("no_settings")

AHEAD = 400
"""Seconds that the engine's clock is ahead in these tests, or this machine's behind."""


class Nothing(BaseModel):
    """A request or a result without content."""


nothing = Rpc(name="nothing", group="workers", request=Nothing, result=Nothing)


def noted(least: float, most: float, *, slow: float = 0.0) -> EngineClock:
    """A clock after an answer: the engine's time less this machine's, at its least and its most."""
    clock = EngineClock()
    clock.note(1000 + least, 1000 + most, sent=1000 - slow, received=1000)
    return clock


def test_only_what_is_certain_counts() -> None:
    assert noted(-1, 0).skew == 0
    assert noted(-0.5, 0.5).skew == 0
    assert noted(3, 4).skew == 3
    assert noted(-7, -6).skew == -6
    # A request may have been on its way for long.
    assert noted(-7, -6, slow=5).skew == -1
    assert noted(-7, -6, slow=6).skew == 0


def test_a_slow_answer_does_not_undo_what_is_known() -> None:
    clock = noted(400, 400)
    clock.note(1400, 1400, sent=1000, received=1500)
    assert clock.skew == 400
    assert abs(clock.now_ms() / 1000 - time() - 400) < 30


def test_a_difference_is_a_warning_and_a_gauge_and_a_large_one_a_problem(caplog: pytest.LogCaptureFixture) -> None:
    assert noted(1.5, 1.5).problem is None and not caplog.records
    assert noted(-20, -20).problem is None
    assert caplog.messages == ["the engine's clock differs from this machine's by -20 s: set the one that is wrong"]
    assert caplog.records[0].levelno == logging.WARNING
    assert counted("engine_clock_skew_seconds") == -20
    assert noted(31, 31).problem == "the engine's clock differs from this machine's by 31 s"


class Engine:
    """A server whose clock is ahead: it keeps what is created."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []

    async def respond(self, request: web.Request) -> web.Response:
        """Create a promise."""
        asked: Any = await request.json()
        now = time() + AHEAD
        self.created.append(asked["data"])
        record = {**asked["data"], "state": "pending", "createdAt": int(now * 1000)}
        head = {**asked["head"], "status": 200}
        answer = {"kind": asked["kind"], "head": head, "data": {"promise": record}}
        return web.json_response(answer, headers={"Date": formatdate(now, usegmt=True)})


@pytest.fixture
async def engine() -> Engine:
    """Nothing is created yet."""
    return Engine()


@pytest.fixture
async def client(definition: Service, engine: Engine) -> AsyncIterator[EngineClient]:
    """Its client, which only sends."""
    app = web.Application()
    app.router.add_post("/", engine.respond)
    async with TestServer(app) as server:
        settings = make_settings(definition, resonate_url=str(server.make_url("/")))
        client = build(settings, definition.namespace(settings), "api", listens=False)
        client.resonate.start()
        yield client
        await stop(client, timedelta(seconds=1))


async def test_work_ends_by_the_engine_s_clock(client: EngineClient, engine: Engine) -> None:
    """It was born expired, where this machine was behind by more than its time-out."""
    for _ in range(2):
        record = await client.start(nothing.task(Nothing()), "workers", "job/1", timedelta(minutes=5))
        left = record.timeout_at / 1000 - time() - AHEAD
        assert 240 < left <= 302
    # The first asked for the time before.
    assert [promise["id"].partition("/")[2].partition("/")[0] for promise in engine.created] == ["probe", "job", "job"]


async def test_calls_and_sleeps_of_workflows_end_by_the_engine_s_clock(client: EngineClient) -> None:
    problem = await client.health_problem()
    assert problem is not None and problem.startswith("the engine's clock differs from this machine's by ")
    assert abs(client.resonate._core.clock() / 1000 - time() - AHEAD) < 30


async def test_how_long_a_call_has_waited_is_counted_by_the_engine_s_clock(service: RunningService) -> None:
    record = await service.client.start(nothing.task(Nothing()), "nobody", "job/1", timedelta(minutes=5))
    assert await find_untaken(service.client, record) is None  # It is young.
    service.client.clock.skew = YOUNG + 1  # This machine is behind: by the engine's clock it is not.
    assert await find_untaken(service.client, record) == Untaken("job/1", "nothing", "nobody")
