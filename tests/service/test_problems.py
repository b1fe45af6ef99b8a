"""`http.problems`: every error is an RFC 9457 problem, and leaks nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPBasic
from shop.runtime.testing.running import RunningService, problem
from starlette.types import Message

from .telemetry import Log


async def test_unknown_routes_are_problems(service: RunningService) -> None:
    assert problem(await service.http.get("/nowhere")) == (404, "not-found")
    assert problem(await service.http.delete("/livez")) == (405, "method-not-allowed")


async def test_a_bug_leaks_nothing(service: RunningService) -> None:
    router = APIRouter()

    @router.get("/bug")
    async def bug() -> None:
        raise RuntimeError("postgresql://user:password@host")

    service.app.include_router(router)
    response = await service.http.get("/bug")
    assert problem(response) == (500, "internal-error")
    assert "password" not in response.text


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
async def test_bodies_that_make_no_sense_to_a_plain_route(service: RunningService, body: bytes) -> None:
    """One whose router asks for no API key, so that FastAPI's own parser reads it."""
    router = APIRouter()

    @router.post("/count")
    async def count(body: dict[str, float]) -> int:
        return len(body)

    service.app.include_router(router)
    response = await service.http.post("/count", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= problem(response)[0] < 500
    assert "secret-input" not in response.text


@pytest.mark.parametrize("status", [400, 403, 409, 418, 420, 429, 451, 499, 520, 599])
async def test_every_status_of_an_exception(service: RunningService, status: int) -> None:
    @service.app.get("/raise")
    async def fail(detail: str | None = None) -> None:
        raise HTTPException(status, detail, {"X-More": "1"})

    for query, detail in (("", None), ("?detail=no", "no")):
        response = await service.http.get(f"/raise{query}")
        assert problem(response)[0] == status
        assert response.json()["title"] and response.json()["detail"] == (detail or response.json()["title"])
        assert response.headers["X-More"] == "1"


@pytest.mark.parametrize(
    ("detail", "said", "members"),
    [
        ({"code": "card-declined", "message": "Try another card."}, "Try another card.", {"code": "card-declined"}),
        ({"code": 7}, "Conflict", {"code": 7}),
        ({"detail": "no", "status": 200, "type": "x", "title": "y"}, "no", {}),
        ({"amount": Decimal("1.10"), "at": datetime(2026, 1, 1, tzinfo=UTC)}, "Conflict", {"amount": "1.10"}),
        ([{"loc": "a"}], "Conflict", {"errors": [{"loc": "a"}]}),
        (7, "Conflict", {"errors": 7}),
        ("", "Conflict", {}),
        ({"who": object}, "Conflict", {}),
    ],
)
async def test_a_detail_may_be_any_value(
    service: RunningService, detail: Any, said: str, members: dict[str, Any]
) -> None:
    @service.app.get("/raise")
    async def fail() -> None:
        raise HTTPException(409, detail)

    response = await service.http.get("/raise")
    assert problem(response) == (409, "conflict")
    assert response.json()["detail"] == said
    assert members.items() <= response.json().items()


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_a_status_without_a_body(service: RunningService, status: int) -> None:
    @service.app.get("/raise")
    async def fail() -> None:
        raise HTTPException(status, headers={"X-More": "1"})

    response = await service.http.get("/raise")
    assert (response.status_code, response.content, response.headers["X-More"]) == (status, b"", "1")


async def test_every_401_has_a_challenge(service: RunningService) -> None:
    @service.app.get("/raise")
    async def fail(scheme: str | None = None) -> None:
        raise HTTPException(401, headers={"www-authenticate": scheme} if scheme else None)

    @service.app.get("/basic")
    async def basic(_: Annotated[Any, Depends(HTTPBasic())]) -> None:
        pass

    assert (await service.http.get("/raise")).headers["WWW-Authenticate"] == "Bearer"
    assert (await service.http.get("/raise?scheme=Digest")).headers.get_list("WWW-Authenticate") == ["Digest"]
    assert (await service.http.get("/basic")).headers["WWW-Authenticate"] == "Basic"


async def test_a_bug_is_logged_once_with_the_request(service: RunningService, log: Log) -> None:
    @service.app.get("/bug")
    async def bug() -> None:
        raise RuntimeError("it broke")

    response = await service.http.get("/bug", headers={"X-Request-ID": "r-1"})
    assert problem(response) == (500, "internal-error")
    assert (response.json()["request_id"], response.headers["X-Request-ID"]) == ("r-1", "r-1")
    (line,) = [line for line in log.lines(level="ERROR") if "it broke" in line.get("exc_info", "")]
    assert line["request_id"] == "r-1"
    (request,) = log.lines(logger="shop.runtime.telemetry.requests")
    assert (request["status"], request["request_id"]) == (500, "r-1")


async def test_a_response_that_has_begun_is_cut_off(service: RunningService, log: Log) -> None:
    async def parts() -> AsyncIterator[str]:
        yield "begun"
        raise RuntimeError("it broke")

    @service.app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(parts())

    response = await service.http.get("/stream")
    assert "internal-error" not in response.text
    assert "it broke" in log.text


async def test_a_client_that_goes_away_is_no_bug(service: RunningService, log: Log) -> None:
    @service.app.post("/read")
    async def read(request: Request) -> int:
        return len(await request.body())

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/read", "query_string": b"", "root_path": "", "scheme": "http"}
    await service.app({**scope, "headers": [(b"content-length", b"9")], "http_version": "1.1"}, receive, send)
    assert sent[0]["status"] == 400
    assert log.lines(level="ERROR") == []
