"""What holds for every route: problems, limits, health."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import APIRouter

from {{ package_name }} import (
    engine,
)
from {{ package_name }}.api.app import (
    create_app,
)
from {{ package_name }}.settings import (
    Settings,
)

from .conftest import SECRET, Service, problem


async def test_health(service: Service) -> None:
    assert (await service.http.get("/livez")).json() == {"status": "alive"}
    assert (await service.http.get("/readyz")).json() == {"status": "ready"}


async def test_an_engine_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        webhook_secret=SECRET,
        database_url="sqlite:///unused.db",
        resonate_url="http://127.0.0.1:9",
        shutdown_grace=timedelta(seconds=1),
        _env_file=None,
    )
    monkeypatch.setattr(engine, "ANSWER_WITHIN", 0.2)
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as http,
    ):
        answer = await http.get("/readyz")
        assert (await http.get("/livez")).status_code == 200
    assert problem(answer) == (503, "engine-unavailable")
    assert answer.headers["Retry-After"] == "5"


async def test_unknown_routes_are_problems(service: Service) -> None:
    assert problem(await service.http.get("/nowhere")) == (404, "not-found")
    assert problem(await service.http.delete("/livez")) == (405, "method-not-allowed")


async def test_a_bug_says_nothing(service: Service) -> None:
    router = APIRouter()

    @router.get("/bug")
    async def bug() -> None:
        raise RuntimeError("postgresql://user:password@host")

    service.app.include_router(router)
    answer = await service.http.get("/bug")
    assert problem(answer) == (500, "internal-error")
    assert "password" not in answer.text


@pytest.fixture
def echo(service: Service) -> Service:
    router = APIRouter()

    @router.post("/echo")
    async def echo(body: dict[str, float]) -> int:
        return len(body)

    service.app.include_router(router)
    return service


async def test_bodies_over_the_limit(echo: Service) -> None:
    large = b'{"a": 1' + b" " * 1024 * 1024 + b"}"

    async def in_pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(large), 65536):
            yield large[at : at + 65536]

    for body in (large, in_pieces()):
        answer = await echo.http.post("/echo", content=body, headers={"Content-Type": "application/json"})
        assert problem(answer) == (413, "body-too-large")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": NaN, "b": "c"}',
        b'{"\\ud800": "x"}',
        b'{"a": "\x00"}',
        b'{"a": "secret-input"}',
    ],
)
async def test_bodies_that_make_no_sense(echo: Service, body: bytes) -> None:
    answer = await echo.http.post("/echo", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= problem(answer)[0] < 500
    assert "secret-input" not in answer.text


async def test_openapi_describes_errors_as_problems(service: Service) -> None:
    document = (await service.http.get("/openapi.json")).json()
    assert "HTTPValidationError" not in json.dumps(document)
    assert "ProblemDetails" in document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (method, path, status)
