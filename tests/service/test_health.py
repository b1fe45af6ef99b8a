"""`http.health` and `engine.health`: what the API and a worker answer to probes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import httpx
import pytest
from pytest import LogCaptureFixture
from shop.runtime import probe
from shop.runtime.engine import client, health
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

    monkeypatch.setattr("asyncio.start_server", refuse)
    async with health_server(make_settings(definition), in_turn(), asyncio.Event()):
        pass


async def test_the_port_may_have_an_address_of_its_own(definition: Service) -> None:
    settings = make_settings(definition, host="192.0.2.1", health_host="127.0.0.1", health_port=free_port())
    async with (
        health_server(settings, in_turn(None), asyncio.Event()),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.health_port}") as http,
    ):
        assert (await http.get("/readyz")).status_code == 200


@pytest.fixture
async def probed(definition: Service, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The health port of a worker that is well, with little patience."""
    monkeypatch.setattr(health, "PATIENCE", 0.2)
    settings = make_settings(definition, health_port=free_port(), allowed_hosts="")
    async with health_server(settings, in_turn(*[None] * 50), asyncio.Event()):
        assert settings.health_port
        yield settings.health_port


LIVEZ = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.mark.parametrize(
    ("sent", "again"),
    [
        (b"", b""),
        (LIVEZ + b"X: ", b"a"),
        (LIVEZ, b"X: a\r\n" * 1000),
        (b"GET /", b"a" * 65536),
    ],
)
async def test_what_does_not_end_is_cut_off(probed: int, sent: bytes, again: bytes, caplog: LogCaptureFixture) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", probed)
    writer.write(sent)
    with suppress(OSError):
        async with asyncio.timeout(5):
            while not reader.at_eof():
                writer.write(again)
                await writer.drain()
                with suppress(TimeoutError):
                    assert await asyncio.wait_for(reader.read(100), 0.01) == b""
    writer.transport.abort()
    assert reader.at_eof() or reader.exception() is not None
    assert caplog.records == []


async def test_one_request_a_connection(probed: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", probed)
    writer.write((LIVEZ + b"\r\n") * 5)
    answered = b""
    with suppress(OSError):  # it is reset: there is more to read on the other side
        while part := await reader.read(1000):
            answered += part
    writer.close()
    assert answered.count(b"HTTP/1.1 200 OK") == 1 and b"Connection: close" in answered


async def test_whoever_holds_connections_keeps_no_probe_out(probed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 60)
    monkeypatch.setattr(health, "MAX_CONNECTIONS", 10)
    held = [await asyncio.open_connection("127.0.0.1", probed) for _ in range(30)]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{probed}", timeout=5) as http:
        assert (await http.get("/readyz")).status_code == 200
    first, *_, last = held
    assert await first[0].read() == b""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(last[0].read(), 0.05)
    for _, writer in held:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET /metrics HTTP/1.1\r\nHost: localhost:9000\r\n\r\n", 200),
        (b"GET /livez HTTP/1.0\r\n\r\n", 200),
        (b"HEAD /livez?a=b HTTP/1.1\r\nHost: [::1]\r\n\r\n", 200),
        (b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", 400),
        (b"\x16\x03\x01\r\n\r\n", 400),
    ],
)
async def test_what_a_worker_answers(probed: int, head: bytes, status: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", probed)
    writer.write(head)
    line = await reader.readline()
    assert line.startswith(b"HTTP/1.1 %d " % status)
    rest = await reader.read()
    assert rest.endswith(b"\r\n\r\n") == head.startswith(b"HEAD")
    writer.close()


# The health check of the image


async def test_the_probe_of_a_container(
    definition: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    monkeypatch.setenv("PORT", str(free_port()))  # a worker's container: nothing listens there
    monkeypatch.setenv("HEALTH_PORT", str(port))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    async def probed() -> tuple[int, str]:
        return await asyncio.to_thread(probe.main), capsys.readouterr().out

    assert await probed() == (1, "nothing listens at PORT or HEALTH_PORT\n")
    problems = in_turn(None, "the stream is down")
    settings = make_settings(definition, health_port=port)
    async with health_server(settings, problems, asyncio.Event()):
        assert await probed() == (0, "")
        status, said = await probed()
    assert status == 1 and said.startswith(f"HEALTH_PORT {port}: 503 ") and "the stream is down" in said
