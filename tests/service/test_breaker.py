"""`engine.breaker`: while the engine is away requests fail at once, and one tries whether it is back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from resonate.error import ServerError
from shop.runtime.engine import breaker as breaker_module, client as client_module
from shop.runtime.engine.breaker import FAILURES, Breaker
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.worker import stop
from shop.runtime.errors import EngineUnavailable
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import RunningService, problem

from .waiting import until

pytestmark = pytest.mark.usefixtures("no_settings")


def fail(breaker: Breaker, error: Exception | None = None) -> None:
    """A request that fails; the engine is away, where nothing else is said."""
    with breaker.request():
        raise error or EngineUnavailable("away")


def opened() -> Breaker:
    """A breaker that has seen enough."""
    breaker = Breaker()
    for _ in range(FAILURES):
        with pytest.raises(EngineUnavailable, match="away"):
            fail(breaker)
    assert breaker.is_open
    return breaker


def test_it_opens_after_a_few_failures_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(FAILURES):
        for _ in range(FAILURES - 1):
            with pytest.raises(EngineUnavailable, match="away"):
                fail(breaker)
        with pytest.raises(ServerError):  # A refusal is an answer.
            fail(breaker, ServerError(403, "no"))
    assert not breaker.is_open
    with pytest.raises(EngineUnavailable, match="has not answered lately"):
        fail(opened(), ValueError("not reached"))


def test_one_at_a_time_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_module, "PAUSE", 0.0)
    breaker = opened()
    with pytest.raises(EngineUnavailable, match="away"):
        fail(breaker)
    with breaker.request():
        with pytest.raises(EngineUnavailable, match="lately"):
            fail(breaker)
        with pytest.raises(ValueError), breaker.request(probe=True):  # A readiness probe is made in any case.
            raise ValueError
    assert not breaker.is_open
    with breaker.request():
        pass


def test_a_try_that_was_canceled_makes_room_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_module, "PAUSE", 0.0)
    breaker = opened()
    with pytest.raises(asyncio.CancelledError), breaker.request():
        raise asyncio.CancelledError
    with breaker.request():
        pass
    assert not breaker.is_open


class Engine:
    """A server that hangs, or answers that nothing is there."""

    def __init__(self) -> None:
        self.hangs = True
        self.asked = 0
        self.url = ""

    async def respond(self, request: web.Request) -> web.Response:
        """Answer a request."""
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(60)
        asked: Any = await request.json()
        head = {**asked["head"], "status": 404}
        return web.json_response({"kind": asked["kind"], "head": head, "data": {"error": "not found"}})


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """A server that hangs."""
    engine, app = Engine(), web.Application()
    app.router.add_post("/", engine.respond)
    async with TestServer(app) as server:
        engine.url = str(server.make_url("/"))
        yield engine


@pytest.fixture
async def client(definition: Service, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EngineClient]:
    """Its client, which only sends."""
    monkeypatch.setattr(client_module, "REQUEST_TIMEOUT", 0.2)
    monkeypatch.setattr(client_module, "PROBE_TIMEOUT", 0.2)
    settings = make_settings(definition, resonate_url=engine.url)
    client = build(settings, definition.namespace(settings), "api", listens=False)
    client.resonate.start()
    yield client
    await stop(client, timedelta(seconds=1))


async def test_requests_to_an_engine_that_hangs_fail_at_once(
    client: EngineClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monotonic = asyncio.get_running_loop().time
    for _ in range(FAILURES):
        with pytest.raises(EngineUnavailable, match="did not answer"):
            await client.find("job/1")
    asked, began = engine.asked, monotonic()
    outcomes = await asyncio.gather(*(client.find(f"job/{number}") for number in range(50)), return_exceptions=True)
    assert all(isinstance(outcome, EngineUnavailable) for outcome in outcomes)
    # At most one of the fifty tried, if a second has passed by now.
    assert engine.asked <= asked + 1, monotonic() - began
    engine.hangs = False
    monkeypatch.setattr(client_module, "REQUEST_TIMEOUT", 30)

    async def is_back() -> bool:
        try:
            return await client.find("job/1") is None
        except EngineUnavailable:
            return False

    await until(is_back)
    assert not client.breaker.is_open
    await asyncio.gather(*(client.find(f"job/{number}") for number in range(50)))


async def test_a_readiness_probe_that_is_answered_lets_requests_through(
    client: EngineClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(FAILURES):
        assert await client.health_problem() == "the engine does not answer"
    assert client.breaker.is_open
    engine.hangs = False
    monkeypatch.setattr(client_module, "PROBE_TIMEOUT", 30)
    assert await client.health_problem() == "the engine refuses requests: 404"  # Which is an answer.
    assert await client.find("job/1") is None


async def test_the_api_answers_at_once_while_the_engine_is_away(
    orders: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says when to come back; nobody waits five seconds for what is known."""
    asked = 0

    async def hang(req: str, headers: dict[str, str] | None = None) -> str:
        nonlocal asked
        asked += 1
        return await asyncio.Future[str]()

    monkeypatch.setattr(client_module, "REQUEST_TIMEOUT", 0.1)
    monkeypatch.setattr(breaker_module, "PAUSE", 1000.0)
    monkeypatch.setattr(orders.client.network, "send", hang)
    for number in range(FAILURES + 20):
        response = await orders.http.post("/customers/c-1/orders?number=1", headers={"Idempotency-Key": f"k-{number}"})
        assert problem(response) == (503, "engine-unavailable")
        assert response.headers["Retry-After"] == "5"
    assert asked == FAILURES
    monkeypatch.undo()
