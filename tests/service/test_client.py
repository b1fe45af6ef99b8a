"""`engine.client`: what the service asks of the engine, each request with a bound."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from resonate.error import ConnectorError, ServerError
from resonate.testing import instant_sleeper
from resonate.types import PromiseRecord, PromiseSettleReq, Value
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine import client as client_module, task_sender
from shop.runtime.engine.client import EngineClient, answer, build
from shop.runtime.engine.clock import EngineClock
from shop.runtime.engine.connections import ReconnectingSSE
from shop.runtime.engine.sdk_events import HandedBack
from shop.runtime.engine.worker import register, stop
from shop.runtime.errors import EngineRefused, EngineUnavailable
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import StartService

from .telemetry import Log, counted
from .waiting import until

pytestmark = pytest.mark.usefixtures("no_settings")


class Nothing(BaseModel):
    """A request or a result without content."""


nothing = Rpc(name="nothing", group="workers", request=Nothing, result=Nothing)


@serve(nothing)
async def do_nothing(ctx: Context, request: Nothing) -> Nothing:
    return request


@pytest.fixture
async def client(definition: Service) -> AsyncIterator[EngineClient]:
    """A client of an engine in this process, on which nobody serves anything."""
    settings = make_settings(definition)
    local = LocalConnection(group="tests")
    client = build(settings, definition.namespace(settings), "workers", listens=False, local=local)
    client.resonate.start()
    yield client
    await stop(client, timedelta(seconds=1))


# Promises


async def test_work_is_started_once(client: EngineClient) -> None:
    first = await client.start(nothing.task(Nothing()), "workers", "job/1", timedelta(minutes=1), {"a": "b"})
    assert (first.id, first.state) == ("job/1", "pending")
    assert {name: tag for name, tag in first.tags.items() if not name.startswith("run:")} == {
        "a": "b",
        "resonate:origin": "shop/job/1",
        "resonate:branch": "shop/job/1",
        "resonate:parent": "shop/job/1",
        "resonate:scope": "global",
        "resonate:target": "poll://any@shop.workers",
        "started-by": "shop/workers",
    }
    again = await client.start(nothing.task(Nothing()), "workers", "job/1", timedelta(hours=1), {"a": "c"})
    assert (again.tags["a"], again.timeout_at) == ("b", first.timeout_at)
    assert await client.find("job/1") == first
    assert await client.find("job/2") is None


async def test_the_first_outcome_holds(client: EngineClient) -> None:
    await client.create("gate/1", {"asked": True}, 2**60)
    assert (await client.resolve("gate/1", "first")).value.data == "first"
    again = await client.resolve("gate/1", "second")
    assert (again.id, again.value.data) == ("gate/1", "first")


async def test_tags_are_read_by_the_id_on_the_engine(client: EngineClient) -> None:
    await client.create("gate/1", None, 2**60, {"a": "b"})
    tags = await client.root_tags("shop/gate/1")
    assert tags is not None and tags["a"] == "b"
    assert await client.root_tags("gate/1") == {}


# What the engine answers


async def test_an_answer_is_awaited_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "REQUEST_TIMEOUT", 0.05)
    with pytest.raises(EngineUnavailable, match="the engine did not answer: TimeoutError"):
        await answer(asyncio.sleep(10))


@pytest.mark.parametrize(
    ("error", "raised", "outcome"),
    [
        (ConnectorError(ConnectionRefusedError()), EngineUnavailable, "unavailable"),
        (ServerError(503, "overloaded"), EngineUnavailable, "unavailable"),
        (ServerError(403, "no"), EngineRefused, "refused"),
        (ServerError(422, "no"), ServerError, "refused"),
        (ServerError(404, "none"), ServerError, "ok"),
    ],
)
async def test_refusals_are_told_from_an_engine_that_is_away(
    error: Exception, raised: type[Exception], outcome: str
) -> None:
    async def fail() -> None:
        raise error

    before = counted("engine_request_duration_seconds_count", outcome=outcome)
    with pytest.raises(raised):
        await answer(fail())
    assert counted("engine_request_duration_seconds_count", outcome=outcome) == before + 1


# Health


async def test_an_engine_that_does_not_answer_is_unready(
    start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    unavailable = counted("engine_request_duration_seconds_count", outcome="unavailable")
    async with start_service() as service:

        async def never(*_: object) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr(client_module, "PROBE_TIMEOUT", 0.05)
        monkeypatch.setattr(service.client.resonate.promises, "create", never)
        assert 'engine_up{part="requests"} 0.0' in (await service.http.get("/metrics")).text
        assert (await service.http.get("/readyz")).status_code == 503
    assert counted("engine_request_duration_seconds_count", outcome="unavailable") == unavailable + 2


async def test_a_worker_whose_stream_is_down_is_unready_though_the_engine_answers(
    definition: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, gone = True, asyncio.Event()

    async def respond(request: web.Request) -> web.Response:
        asked = await request.json()
        record = {**asked["data"], "state": "rejected_timedout", "createdAt": 0}
        head = {**asked["head"], "status": 200}
        return web.json_response({"kind": asked["kind"], "head": head, "data": {"promise": record}})

    async def poll(request: web.Request) -> web.StreamResponse:
        if refused:
            return web.Response(status=503)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await gone.wait()
        return response

    app = web.Application()
    app.router.add_post("/", respond)
    app.router.add_get("/poll/shop.workers/{pid}", poll)
    async with TestServer(app) as server:
        settings = make_settings(definition, resonate_url=str(server.make_url("/")))
        client = build(settings, definition.namespace(settings), "workers", listens=True)
        register(client, [do_nothing], [])
        client.resonate.start()
        assert await client.health_problem() == "the stream of work is down"
        refused = False

        async def is_well() -> bool:
            return await client.health_problem() is None

        await until(is_well)
        gone.set()
        await server.close()
        monkeypatch.setattr(client_module, "PROBE_TIMEOUT", 0.1)
        assert await client.health_problem() == "the engine does not answer"
        await stop(client, timedelta(seconds=1))


async def test_every_request_carries_the_token(definition: Service) -> None:
    """In its envelope, which is where the engine looks; a stream has it in a header."""
    tokens: dict[str, str | None] = {}

    async def respond(request: web.Request) -> web.Response:
        asked = await request.json()
        tokens[asked["kind"]] = asked["head"].get("auth")
        head = {**asked["head"], "status": 404}
        return web.json_response({"kind": asked["kind"], "head": head, "data": {"error": "not found"}})

    app = web.Application()
    app.router.add_post("/", respond)
    async with TestServer(app) as server:
        settings = make_settings(
            definition, resonate_url=str(server.make_url("/")), resonate_token="a-token", lease="PT1S"
        )
        client = build(settings, definition.namespace(settings), "workers", listens=True)
        client.resonate.start()
        assert await client.find("job/1") is None
        with pytest.raises(ServerError):
            await client.resonate._core.on_message("shop/job/1", 0)
        client.resonate._heartbeat.start("shop/job/1", 0)
        await until(lambda: len(tokens) == 3)
        await stop(client, timedelta(seconds=1))
    assert tokens == dict.fromkeys(("promise.get", "task.acquire", "task.heartbeat"), "a-token")


REFUSED = "the engine refuses RESONATE_TOKEN (401): it is missing, wrong or expired"


async def test_a_run_waits_while_its_token_is_refused(
    definition: Service, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    """As one that has expired: its requests are made again, and a task that is not taken yet is left to the engine."""
    monkeypatch.setattr(task_sender, "REFUSED_PAUSE", 0.01)
    asked: list[str] = []

    async def respond(request: web.Request) -> web.Response:
        envelope = await request.json()
        asked.append(envelope["kind"])
        status = 401 if asked.count("task.fulfill") < 3 else 409
        head = {**envelope["head"], "status": status}
        return web.json_response({"kind": envelope["kind"], "head": head, "data": "no"})

    app = web.Application()
    app.router.add_post("/", respond)
    async with TestServer(app) as server:
        settings = make_settings(definition, resonate_url=str(server.make_url("/")), resonate_token="a-token")
        client = build(settings, definition.namespace(settings), "workers", listens=True)
        client.resonate.start()
        with pytest.raises(HandedBack):
            await client.resonate._core.on_message("shop/job/1", 0)
        settle = PromiseSettleReq(id="shop/job/1", state="resolved", value=Value())
        with pytest.raises(ServerError, match="no"):
            await client.resonate._core.sender.task_fulfill("shop/job/1", 1, settle)
        await stop(client, timedelta(seconds=1))
    assert asked.count("task.acquire") == 1 and asked.count("task.fulfill") == 3
    lines = log.lines(level="ERROR", logger="shop.runtime.engine.task_sender", promise="shop/job/1")
    assert {line["message"] for line in lines} == {f"runs wait: {REFUSED}"}


async def test_an_engine_that_refuses_requests_is_a_health_problem(
    client: EngineClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> PromiseRecord:
        raise ServerError(code=401, message="unauthorized")

    monkeypatch.setattr(client.resonate.promises, "create", refuse)
    assert await client.health_problem() == REFUSED


async def test_a_full_engine_that_can_still_be_read_is_unready(
    client: EngineClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> PromiseRecord:
        raise ServerError(500, "database or disk is full")

    assert await client.health_problem() is None
    monkeypatch.setattr(client.resonate.promises, "create", full)
    assert await client.find("job/1") is None
    assert await client.health_problem() == "the engine cannot write: it answers 500"
    assert counted("engine_up", part="requests") == 0


async def test_a_probe_writes_once_a_period_for_all_processes(
    definition: Service, client: EngineClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(client.network, LocalConnection)
    state = client.network.state
    settings = make_settings(definition)
    other = build(settings, client.namespace, "db", listens=False, local=client.network)
    now = 1_700_000_000_000
    for engine in (client, other):
        monkeypatch.setattr(EngineClock, "now_ms", lambda _: now)
        assert await engine.health_problem() is None
    (written,) = state.promises.values()
    # It has ended, and a backend that ends what is external would end it if it had not.
    assert (written.id, written.state) == ("shop/probe/1699999980", "rejected_timedout")
    assert written.tags["resonate:external"] == "true"
    now += client_module.PROBE_PERIOD * 1000
    assert await client.health_problem() is None
    assert [promise.id for promise in state.promises.values()] == ["shop/probe/1699999980", "shop/probe/1700000040"]


# Making a client


async def test_a_client_of_a_group(definition: Service) -> None:
    settings = make_settings(definition, resonate_url="http://127.0.0.1:9", resonate_token="a-token", lease=30)
    namespace = definition.namespace(settings)
    one, other = (build(settings, namespace, "db", listens=True) for _ in range(2))
    assert isinstance(one.source, ReconnectingSSE) and isinstance(other.source, ReconnectingSSE)
    # The engine delivers to the group, and to this process alone what it has begun.
    assert one.source.unicast().startswith("poll://uni@shop.db/shop.db-")
    assert one.source.unicast() != other.source.unicast()
    assert one.resonate._ttl == timedelta(seconds=30)
    assert counted("service_process_info", namespace="shop", group="db") == 1
    sends = build(settings, namespace, "api", listens=False)
    assert sends.source is None
    for client in (one, other, sends):
        await stop(client, timedelta(0))


@pytest.mark.parametrize("max_runs", [1, 3])
async def test_a_worker_holds_so_many_runs_at_a_time(start_service: StartService, max_runs: int) -> None:
    active, most, go = 0, 0, asyncio.Event()

    @serve(nothing)
    async def wait(ctx: Context, request: Nothing) -> Nothing:
        nonlocal active, most
        active += 1
        most = max(most, active)
        await go.wait()
        active -= 1
        return request

    async with start_service([wait], max_runs=max_runs) as service:
        for number in range(5):
            await nothing.start(service.client, f"job/{number}", Nothing())
        await until(lambda: active == max_runs)
        await asyncio.sleep(0.05)
        assert active == max_runs
        go.set()
        for number in range(5):  # The others wait in the engine, and come later.
            await service.run(nothing, f"job/{number}", Nothing())
    assert most == max_runs


async def test_a_step_is_tried_four_times(start_service: StartService) -> None:
    """The SDK's own policy tries 30 times, doubling each pause: for ever."""
    tries: list[str] = []

    async def step(ctx: Context) -> None:
        tries.append(ctx.info.id)
        raise ConnectionError("away")

    @serve(nothing)
    async def work(ctx: Context, request: Nothing) -> Nothing:
        await ctx.run(step)
        return request

    async with start_service([work]) as service:
        service.client.resonate._core.sleeper = instant_sleeper
        await service.outcome(nothing, "s/1", Nothing())
    assert tries == ["shop/s/1:1"] * 4


async def test_an_engine_that_is_away_is_no_attempt_of_a_step(start_service: StartService) -> None:
    """A step asks it, too: where a gate is opened, for example."""
    tries: list[str] = []

    async def step(ctx: Context) -> None:
        tries.append(ctx.info.id)
        if len(tries) <= 10:
            raise EngineUnavailable("away")

    @serve(nothing)
    async def work(ctx: Context, request: Nothing) -> Nothing:
        await ctx.run(step)
        return request

    async with start_service([work]) as service:
        service.client.resonate._core.sleeper = instant_sleeper
        await service.run(nothing, "s/1", Nothing())
    assert tries == ["shop/s/1:1"] * 11


async def test_a_workflow_that_finds_the_engine_away_begins_again(start_service: StartService) -> None:
    runs: list[str] = []

    async def step(ctx: Context) -> None: ...

    @serve(nothing)
    async def work(ctx: Context, request: Nothing) -> Nothing:
        await ctx.run(step)
        runs.append(ctx.info.id)
        if len(runs) <= 3:
            raise EngineUnavailable("away")
        return request

    async with start_service([work]) as service:
        await service.run(nothing, "s/1", Nothing())
    assert len(runs) == 4
