"""`engine.startup`: what a process says about its engine when it starts."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fastapi import APIRouter
from resonate.error import ServerError
from shop.runtime.engine import startup
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.startup import examine
from shop.runtime.engine.worker import stop
from shop.runtime.http.auth import ClientDep
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import RunningService, problem

from .engines import engine_process
from .telemetry import Log
from .waiting import until

pytestmark = pytest.mark.usefixtures("no_settings")


class Engine:
    """An engine over HTTP that answers every create, and sends each on to its worker after a while."""

    def __init__(self, statuses: list[int], delay: float = 0.0) -> None:
        self.statuses, self.delay = statuses, delay
        self.outgoing: asyncio.Queue[str] = asyncio.Queue()
        self.settled: list[str] = []
        self.app = web.Application()
        self.app.router.add_post("/", self.respond)
        self.app.router.add_get("/poll/shop.workers/{pid}", self.poll)

    async def respond(self, request: web.Request) -> web.Response:
        asked = await request.json()
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        data: Any = "no"
        if status == 200:
            data = {"promise": {"timeoutAt": 0, "createdAt": 0, **asked["data"], "state": "pending"}}
            if asked["kind"] == "promise.settle":
                self.settled.append(asked["data"]["id"])
            elif asked["data"]["tags"].get("resonate:target", "").startswith("poll://uni@shop.workers/"):
                asyncio.get_running_loop().call_later(self.delay, self.outgoing.put_nowait, asked["data"]["id"])
        head = {**asked["head"], "status": status}
        return web.json_response({"kind": asked["kind"], "head": head, "data": data})

    async def poll(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            task = f'{{"id": "{await self.outgoing.get()}", "version": 0}}'
            await response.write(f'data: {{"kind": "execute", "data": {{"task": {task}}}}}\n\n'.encode())


async def examined(definition: Service, engine: Engine, until_said: Callable[[], Any] = lambda: False) -> None:
    """Start a worker on an engine, until it is examined, or has said what it should."""
    async with TestServer(engine.app, shutdown_timeout=0) as server:
        settings = make_settings(definition, resonate_url=str(server.make_url("/")), resonate_token="a-token")
        client = build(settings, definition.namespace(settings), "workers", listens=True)
        client.resonate.start()
        looking = asyncio.create_task(examine(client))
        await until(lambda: looking.done() or until_said())
        if looking.done():
            looking.result()
        looking.cancel()
        await stop(client, timedelta(seconds=1))


async def test_an_engine_that_is_well_is_not_spoken_of(definition: Service, log: Log) -> None:
    engine = Engine([200])
    await examined(definition, engine)
    assert not log.lines(logger="shop.runtime.engine.startup")
    (probe,) = engine.settled
    assert probe.startswith("shop/probe/delivery-")


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "it is missing, wrong or expired"), (403, "its claim `prefix` does not cover shop/")],
)
async def test_a_token_that_is_refused_is_said_once(
    definition: Service, monkeypatch: pytest.MonkeyPatch, log: Log, status: int, reason: str
) -> None:
    monkeypatch.setattr(startup, "PAUSE", 0.01)
    await examined(definition, Engine([status] * 5 + [200]))
    (line,) = log.lines(logger="shop.runtime.engine.startup")
    assert line["level"] == "ERROR"
    assert line["message"] == f"the engine refuses RESONATE_TOKEN ({status}): {reason}"


async def test_slow_delivery_is_said_with_the_setting(
    definition: Service, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    monkeypatch.setattr(startup, "SLOW", 0.05)
    await examined(definition, Engine([200], delay=0.06))
    (line,) = log.lines(logger="shop.runtime.engine.startup")
    assert line["level"] == "WARNING"
    assert "through the engine to this worker" in line["message"]
    assert "RESONATE_MESSAGES__POLL_INTERVAL" in line["message"]


async def test_what_does_not_arrive_is_said(definition: Service, monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    monkeypatch.setattr(startup, "_TIMEOUT", 0.05)
    await examined(definition, Engine([200], delay=60))
    (line,) = log.lines(logger="shop.runtime.engine.startup")
    assert line["message"].startswith("what the engine sends to this process alone has not arrived")


async def test_a_development_engine_passes(definition: Service, log: Log) -> None:
    with engine_process() as url:
        settings = make_settings(definition, resonate_url=url)
        client: EngineClient = build(settings, definition.namespace(settings), "workers", listens=True)
        client.resonate.start()
        await asyncio.wait_for(examine(client), 10)
        assert not log.lines(logger="shop.runtime.engine.startup")
        await stop(client, timedelta(seconds=1))


async def test_a_request_is_answered_503_while_the_engine_refuses_the_service(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise ServerError(403, "Forbidden")

    router = APIRouter()

    @router.get("/find")
    async def find(client: ClientDep) -> None:
        await client.find("job/1")

    service.app.include_router(router)
    for request in ("get", "create"):
        monkeypatch.setattr(service.client.resonate.promises, request, refuse)
    assert problem(await service.http.get("/find")) == (503, "engine-unavailable")
    ready = await service.http.get("/readyz")
    assert problem(ready) == (503, "engine-unavailable")
    assert "(403): its claim `prefix` does not cover shop/" in ready.json()["detail"]
