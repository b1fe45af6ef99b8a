"""A job that runs again, over HTTP: the same job to its clients (see `test_job_runs`)."""

from typing import Any

import httpx
import pytest
from shop.runtime.database import Database
from shop.runtime.durable.job_runs import retry
from shop.runtime.testing.running import RunningService, StartService
from sqlalchemy import text


async def test_over_http_it_is_the_same_job(start_service: StartService, database: Database) -> None:
    async def get(service: RunningService) -> dict[str, Any]:
        found = await service.http.get("/jobs/one", headers={"Prefer": "wait=10"})
        return dict(found.json())

    async def post(service: RunningService) -> httpx.Response:
        return await service.http.post("/jobs", json={"account_id": "acc-9"}, headers={"Idempotency-Key": "one"})

    async with start_service() as service:
        await post(service)
        assert ((await get(service))["error"])["code"] == "no-such-account"
        async with database.write() as session:
            await session.execute(text("INSERT INTO accounts (id, owner, balance) VALUES ('acc-9', 'Ada', 0)"))
        await retry(service.client, "job/one")
        found = await get(service)
        assert (found["id"], found["status"]) == ("one", "succeeded")
        again = await post(service)
        assert (again.headers["Idempotent-Replayed"], again.json()["status"]) == ("true", "succeeded")
        assert again.json()["links"]["self"] == "/jobs/one"
        assert (await service.http.get("/jobs/one+run2")).status_code == 404
        async with database.read() as session:
            assert list(await session.scalars(text("SELECT job_id FROM job_results"))) == ["one"]


async def test_one_request_more_where_it_ended_badly_and_none_otherwise(
    start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start_service() as service:
        asked: list[str] = []
        get = service.client.resonate.promises.get

        async def count(engine_id: str) -> Any:
            asked.append(engine_id)
            return await get(engine_id)

        for job, request in (("good", {"account_id": "acc-1"}), ("bad", {"account_id": "nobody"})):
            await service.http.post("/jobs", json=request, headers={"Idempotency-Key": job})
            await service.http.get(f"/jobs/{job}", headers={"Prefer": "wait=10"})
        monkeypatch.setattr(service.client.resonate.promises, "get", count)
        await service.http.get("/jobs/good")
        assert asked == ["shop/job/good"]
        await service.http.get("/jobs/bad")
        assert asked[1:] == ["shop/job/bad", "shop/job/bad+run2"]
