"""Backups: the engine and the database restored, both or each alone, and every request sent again."""

import asyncio

from shop.db.models import JobResultRow
from shop.runtime.database import Database, Operation
from shop.runtime.service import Service, reconcile_group
from shop.runtime.testing.running import RunningService, StartService
from sqlalchemy import delete, select

KEYS = [f"order-{number}" for number in range(6)]
LATE = KEYS[3:]
"""The jobs that ended after the backup."""


async def post_all(service: RunningService) -> None:
    """Send every request, and see each job succeed."""

    async def post(key: str) -> None:
        body = {"account_id": "acc-1"}
        response = await service.http.post("/jobs", json=body, headers={"Idempotency-Key": key})
        assert response.status_code == 202
        found = await service.http.get(f"/jobs/{key}", headers={"Prefer": "wait=20"})
        assert found.json()["status"] == "succeeded", found.text

    await asyncio.gather(*map(post, KEYS))


async def restore_older(url: str) -> None:
    """Bring the database back to before the late jobs."""
    async with Database(url) as database, database.write() as session:
        await session.execute(delete(JobResultRow).where(JobResultRow.job_id.in_(LATE)))
        names = [f"db/op/save-result/{key}" for key in LATE]
        await session.execute(delete(Operation).where(Operation.id.in_(names)))


async def recorded(url: str) -> list[str]:
    """The jobs whose results the database has, in order."""
    async with Database(url) as database, database.read() as session:
        return sorted(await session.scalars(select(JobResultRow.job_id)))


async def test_the_engine_restored_alone(start_service: StartService, database_url: str) -> None:
    """It has forgotten every job, or they were pruned: each finds its write done, whatever its steps read now."""
    for _ in range(2):
        async with start_service() as service:  # Each on an engine of its own.
            await post_all(service)
        assert await recorded(database_url) == KEYS


async def test_both_restored(start_service: StartService, database_url: str) -> None:
    """The engine's backup is the older one: of some jobs that it begins again the database knows the writes."""
    async with start_service() as service:
        await post_all(service)
    await restore_older(database_url)
    async with start_service() as service:
        await post_all(service)
    assert await recorded(database_url) == KEYS


async def test_the_database_restored_alone(start_service: StartService, database_url: str, definition: Service) -> None:
    """The jobs have succeeded, so nothing begins them again: `reconcile` finds what is missing, and does it again."""
    async with start_service() as service:
        await post_all(service)
        worker = definition.worker("db")

        async def reconcile(*jobs: str, again: bool = False) -> list[str]:
            lines = reconcile_group(service.client, worker, jobs, again=again)
            return [line.partition(",")[0] async for line in lines]

        async with Database(database_url) as database, database.read() as session:
            before = {row.job_id: row.processed_at for row in await session.scalars(select(JobResultRow))}
        assert await reconcile() == []
        await restore_older(database_url)
        missing = [f"missing db/op/save-result/{key}: db.save_result" for key in LATE]
        assert sorted(await reconcile()) == missing
        assert await reconcile(f"job/{KEYS[0]}", f"job/{KEYS[3]}") == missing[:1]
        assert await recorded(database_url) == KEYS[:3]
        done = await reconcile(again=True)
        assert sorted(done) == [line.replace("missing", "done again") for line in missing]
        assert await reconcile() == []
        await post_all(service)
    async with Database(database_url) as database, database.read() as session:
        after = {row.job_id: row.processed_at for row in await session.scalars(select(JobResultRow))}
    assert after == before
