"""Jobs over HTTP: what a client may send, and what it learns when something is away."""

from collections.abc import AsyncIterator
from time import time
from urllib.parse import quote

import httpx
import pytest
from shop.contracts.workflows.approval import approval
from shop.db.models import JobResultRow
from shop.runtime.database import Database
from shop.runtime.engine.client import EngineClient
from shop.runtime.errors import EngineUnavailable
from shop.runtime.testing.running import RunningService, StartService, problem
from sqlalchemy import func, select

from ..counting import counting

PATH = "/webhooks/approvals"
JOB = {"account_id": "acc-1", "requires_approval": False}
APPROVAL_JOB = {"account_id": "acc-1", "requires_approval": True}
ALICE, BOB = {"Authorization": "Bearer secret1"}, {"Authorization": "Bearer secret2"}


async def waiting_job(service: RunningService, key: str = "job-1", **headers: str) -> str:
    """A job that waits at its gate."""
    response = await service.http.post("/jobs", json=APPROVAL_JOB, headers={"Idempotency-Key": key, **headers})
    assert response.status_code == 202
    job_id: str = response.json()["id"]
    await service.poll_until_asked(approval, f"job/{job_id}")
    return job_id


async def decide(service: RunningService, job_id: str, approved: bool) -> httpx.Response:
    return await service.send_signed(PATH, {"job_id": job_id, "approved": approved})


@pytest.mark.parametrize("job_id", ["unknown", "a:b", "a%20b", "%2e%2e", "a%00b", quote("ü"), "x" * 300])
async def test_unknown_ids(service: RunningService, job_id: str) -> None:
    assert problem(await service.http.get(f"/jobs/{job_id}")) == (404, "not-found")
    assert problem(await service.http.get(f"/accounts/summary/{job_id}")) == (404, "not-found")
    assert problem(await decide(service, job_id, True)) == (404, "not-found")


@pytest.mark.parametrize(
    "body", [{}, {"account_id": 1}, {"account_id": "a b"}, {"account_id": "a\x00"}, {**JOB, "extra": 1}, [], None]
)
async def test_bad_requests_start_nothing(service: RunningService, body: object) -> None:
    response = await service.http.post("/jobs", json=body, headers={"Idempotency-Key": "bad"})
    assert problem(response) == (422, "invalid-request")
    assert await service.client.find("job/bad") is None


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "\xfc", "a\tb"])
async def test_keys_that_are_refused(service: RunningService, key: str) -> None:
    headers = httpx.Headers({b"Idempotency-Key": key.encode("latin-1")})
    response = await service.http.post("/jobs", json=JOB, headers=headers)
    assert problem(response) == (400, "invalid-idempotency-key")


async def test_a_key_in_quotes_is_the_same_key(service: RunningService) -> None:
    await service.http.post("/jobs", json=JOB, headers={"Idempotency-Key": "order-4711"})
    again = await service.http.post("/jobs", json=JOB, headers={"Idempotency-Key": '"order-4711"'})
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")


async def test_waiting_has_a_bound(service: RunningService) -> None:
    job_id = await waiting_job(service)
    response = await service.http.get(f"/jobs/{job_id}", headers={"Prefer": "respond-async, wait=0"})
    assert (response.headers["Preference-Applied"], response.json()["status"]) == ("wait=0", "running")
    response = await service.http.get(f"/jobs/{job_id}", headers={"Prefer": "handling=lenient"})
    assert "Preference-Applied" not in response.headers


async def test_hostile_signatures(service: RunningService) -> None:
    job_id = await waiting_job(service)
    yes, bad = {"job_id": job_id, "approved": True}, (401, "bad-signature")
    assert problem(await service.send_signed(PATH, yes, age=-302)) == bad
    for signature in (b"\xfc", b"", b"0" * 64, "٣".encode()):
        now = str(int(time())).encode()
        junk = httpx.Headers({b"Webhook-Id": b"1", b"Webhook-Timestamp": now, b"Webhook-Signature": signature})
        assert problem(await service.send_signed(PATH, yes, headers=junk)) == bad
    assert problem(await service.send_signed(PATH, b"{")) == (422, "invalid-request")
    assert (await service.http.get(f"/jobs/{job_id}")).json()["status"] == "running"
    assert (await service.send_signed(PATH, yes, age=290)).status_code == 200


@pytest.mark.parametrize("approved", [True, False])
async def test_only_what_was_approved_is_saved(service: RunningService, database: Database, approved: bool) -> None:
    job_id = await waiting_job(service)
    for _ in range(2):
        assert (await decide(service, job_id, approved)).status_code == 200
        await service.http.get(f"/jobs/{job_id}", headers={"Prefer": "wait=10"})
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(JobResultRow)) == (1 if approved else 0)


async def test_jobs_of_callers(start_service: StartService) -> None:
    async with start_service(api_keys="alice:secret1,bob:secret2") as service:
        broken = await service.http.post("/jobs", content=b"{", headers={"Content-Type": "application/json"})
        assert problem(broken) == (401, "unauthorized")  # before its body is looked at
        unauthorized: list[dict[str, str]] = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic secret1"}]
        for headers in unauthorized:
            for response in (
                await service.http.post("/jobs", json=JOB, headers=headers),
                await service.http.get("/jobs/alice.order-1", headers=headers),
                await service.http.post("/accounts/summary", json={"account_ids": ["acc-1"]}, headers=headers),
            ):
                assert problem(response) == (401, "unauthorized")
                assert response.headers["WWW-Authenticate"] == "Bearer"

        assert await waiting_job(service, "order-1", **ALICE) == "alice.order-1"
        assert await waiting_job(service, "order-1", **BOB) == "bob.order-1"
        assert (await service.http.get("/jobs/alice.order-1", headers=ALICE)).status_code == 200
        assert problem(await service.http.get("/jobs/alice.order-1", headers=BOB)) == (404, "not-found")
        assert problem(await service.http.get("/jobs/order-1", headers=ALICE)) == (404, "not-found")

        assert (await decide(service, "alice.order-1", True)).status_code == 200
        ended = await service.http.get("/jobs/alice.order-1", headers={"Prefer": "wait=10", **ALICE})
        assert ended.json()["status"] == "succeeded"
        assert (await service.http.get("/jobs/bob.order-1", headers=BOB)).json()["status"] == "running"


@pytest.fixture
async def silent(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningService]:
    """A service whose engine answers nothing."""

    async def refuse(*_: object) -> None:
        raise EngineUnavailable("it did not answer")

    for name in ("start", "find", "resolve"):
        monkeypatch.setattr(EngineClient, name, refuse)
    yield service
    monkeypatch.undo()


async def test_an_engine_that_does_not_answer(silent: RunningService) -> None:
    response = await silent.http.post("/jobs", json=JOB, headers={"Idempotency-Key": "order-1"})
    assert problem(response) == (503, "engine-unavailable")
    assert (response.headers["Retry-After"], response.headers["Location"]) == ("5", "/jobs/order-1")
    response = await silent.http.post("/jobs", json=JOB)
    assert response.headers["Location"].startswith("/jobs/")
    for response in (
        await silent.http.get("/jobs/order-1"),
        await decide(silent, "order-1", True),
        await silent.http.post("/accounts/summary", json={"account_ids": ["acc-1"]}),
    ):
        assert problem(response) == (503, "engine-unavailable")


async def test_a_job_costs_seventeen_requests(service: RunningService) -> None:
    """Its account, a step, its result; the five runs that this takes. Heartbeats come on top, where a run is long."""
    with counting(service.client) as asked:
        response = await service.http.post("/jobs", json=JOB, headers={"Idempotency-Key": "counted"})
        job = await service.http.get(response.json()["links"]["self"], headers={"Prefer": "wait=10"})
    assert job.json()["status"] == "succeeded"
    kinds = {"promise.create": 1, "task.acquire": 5, "task.fence": 6, "task.suspend": 2, "task.fulfill": 3}
    assert dict(asked) == kinds
