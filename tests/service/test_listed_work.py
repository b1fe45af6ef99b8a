"""`http.runs`: what a caller has started, the newest first, in pages that link to the next."""

from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request, Response
from resonate.types import TaskData
from shop.runtime.durable.job_runs import retry
from shop.runtime.engine.client import EngineClient
from shop.runtime.engine.run_tags import tags_of_run
from shop.runtime.errors import Failure, OperatorError
from shop.runtime.http.auth import AuthenticatedRoute
from shop.runtime.http.openapi import authenticated
from shop.runtime.http.pages import Cursor, Limit
from shop.runtime.http.runs import RUNS_LISTED, StatusFilter, WorkList, list_work
from shop.runtime.testing.running import RunningService, StartService, problem

router = APIRouter(route_class=AuthenticatedRoute)


@router.get("/works", openapi_extra=authenticated(), responses=RUNS_LISTED)
async def list_works(
    request: Request, response: Response, status: StatusFilter = None, limit: Limit = 2, cursor: Cursor = None
) -> WorkList:
    return await list_work("work", request, response, status=status, limit=limit, cursor=cursor)


async def make(client: EngineClient, promise: str, age: int, failed: bool = False) -> None:
    now = client.clock.now_ms()
    tags = {"resonate:target": "poll://any@nobody", **tags_of_run(client.namespace, promise, now - age * 1000)}
    await client.create(promise, TaskData(func="work"), now + 60_000, tags)
    if failed:
        await client.reject(promise, Failure("no"))


async def pages(service: RunningService, path: str, **headers: str) -> list[dict[str, Any]]:
    """What all pages have, by their links."""
    found: list[dict[str, Any]] = []
    following: str | None = path
    while following:
        answer = await service.http.get(following, headers=headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        following = answer.links["next"]["url"] if "next" in answer.links else None
        assert (page["next_cursor"] is None) == (following is None)
    return found


async def test_work_is_listed_once_whatever_its_runs(start_service: StartService) -> None:
    async with start_service() as service:
        service.app.include_router(router)
        for age, name in enumerate("abcde"):
            await make(service.client, f"work/{name}", age, failed=name in "bd")
        await make(service.client, "other/f", 0)
        await retry(service.client, "work/d")
        listed = await pages(service, "/works")
        assert [(work["id"], work["status"]) for work in listed] == [
            ("d", "running"),
            ("a", "running"),
            ("b", "failed"),
            ("c", "running"),
            ("e", "running"),
        ]
        assert listed[0]["links"] == {"self": "/works/d"}
        assert [work["id"] for work in await pages(service, "/works?status=failed&limit=1")] == ["b"]


async def test_a_caller_sees_its_own_alone(start_service: StartService) -> None:
    async with start_service(api_keys="alice:secret1,bob:secret2") as service:
        service.app.include_router(router)
        for age, name in enumerate(["alice.1", "bob.2", "alice.3", "shared"]):
            await make(service.client, f"work/{name}", age)
        assert problem(await service.http.get("/works")) == (401, "unauthorized")
        for secret, wanted in (("secret1", ["alice.1", "alice.3"]), ("secret2", ["bob.2"])):
            listed = await pages(service, "/works?limit=1", Authorization=f"Bearer {secret}")
            assert [work["id"] for work in listed] == wanted


@pytest.mark.parametrize(
    "query", ["cursor=AAAA", "cursor=!", "limit=0", "limit=101", "status=lost", "cursor=" + "A" * 5000]
)
async def test_what_is_asked_must_fit(start_service: StartService, query: str) -> None:
    async with start_service() as service:
        service.app.include_router(router)
        status, kind = problem(await service.http.get(f"/works?{query}"))
        assert (status, kind) == (422, "invalid-cursor" if query == "cursor=AAAA" else "invalid-request")


async def test_an_engine_that_lists_nothing_is_a_problem_that_its_operator_mends(
    start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise OperatorError("the engine lists nothing", "Use another token.")

    monkeypatch.setattr("shop.runtime.http.runs.list_runs", refuse)
    async with start_service() as service:
        service.app.include_router(router)
        answer: httpx.Response = await service.http.get("/works")
        assert problem(answer) == (501, "not-available")
        assert "token" not in answer.text
