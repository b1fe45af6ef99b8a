"""`http.problems`: every error is an RFC 9457 problem, and leaks nothing."""

import pytest
from fastapi import APIRouter
from shop.runtime.testing.running import RunningService, problem


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
