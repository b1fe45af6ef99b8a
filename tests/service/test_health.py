"""`http.health` and `engine.health`: what the API and a worker answer to probes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from shop.runtime.engine import client
from shop.runtime.engine.health import health_server
from shop.runtime.errors import PortTaken
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import RunningService, free_port, problem

pytestmark = pytest.mark.usefixtures("no_settings")


# The API's routes


async def test_the_api_is_alive_and_ready(service: RunningService) -> None:
    assert (await service.http.get("/livez")).json() == {"status": "alive"}
    assert (await service.http.get("/readyz")).json() == {"status": "ready"}


async def test_an_engine_that_is_away(definition: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings(definition, resonate_url="http://127.0.0.1:9", shutdown_grace=timedelta(seconds=1))
    monkeypatch.setattr(client, "REQUEST_TIMEOUT", 0.2)
    app = definition.api(settings)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
    ):
        response = await http.get("/readyz")
        assert (await http.get("/livez")).status_code == 200
    assert problem(response) == (503, "engine-unavailable")
    assert response.headers["Retry-After"] == "5"


# A worker's port


def in_turn(*problems: str | None) -> Callable[[], Awaitable[str | None]]:
    """What keeps a process from its work, at each look."""
    left = list(problems)

    async def health_problem() -> str | None:
        return left.pop(0)

    return health_problem


async def test_a_worker_answers_as_it_is(definition: Service) -> None:
    port, draining = free_port(), asyncio.Event()
    problems = in_turn(None, "the stream is down", None, None)
    async with (
        health_server(make_settings(definition, health_port=port), problems, draining),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        responses = [await http.get("/readyz") for _ in range(3)]
        assert [response.status_code for response in responses] == [200, 503, 200]
        assert responses[0].json() == {"status": "ready"}
        assert responses[1].json() == {"status": "unavailable", "detail": "the stream is down"}
        assert "engine_up" in (await http.get("/metrics")).text
        draining.set()
        assert [(await http.get(path)).status_code for path in ("/readyz", "/livez", "/else")] == [503, 200, 404]


async def test_a_port_that_is_taken_is_named(definition: Service) -> None:
    settings, draining = make_settings(definition, health_port=free_port()), asyncio.Event()
    async with health_server(settings, in_turn(), draining):
        with pytest.raises(PortTaken, match=f"HEALTH_PORT: cannot listen on 127.0.0.1:{settings.health_port} "):
            async with health_server(settings, in_turn(), draining):
                pass


async def test_no_port_unless_there_is_one(definition: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it listens")

    monkeypatch.setattr("aiohttp.web.TCPSite.__init__", refuse)
    async with health_server(make_settings(definition), in_turn(), asyncio.Event()):
        pass


async def test_the_port_may_have_an_address_of_its_own(definition: Service) -> None:
    settings = make_settings(definition, host="192.0.2.1", health_host="127.0.0.1", health_port=free_port())
    async with (
        health_server(settings, in_turn(None), asyncio.Event()),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.health_port}") as http,
    ):
        assert (await http.get("/readyz")).status_code == 200
