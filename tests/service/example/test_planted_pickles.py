"""Planted pickles: the API opens none."""

from pathlib import Path
from time import time
from typing import Any

from shop.contracts.workflows.aggregate import Aggregate
from shop.contracts.workflows.process_job import ProcessJob
from shop.runtime.durable.fingerprints import fingerprint
from shop.runtime.testing.running import RunningService, problem

from ..pickles import Bomb, plant


async def create(service: RunningService, promise_id: str, param: Any, **tags: str) -> None:
    named = {name.replace("_", ":"): value for name, value in tags.items()}
    await service.client.create(promise_id, param, int((time() + 60) * 1000), named)


async def test_a_planted_pickle_is_never_opened(service: RunningService, tmp_path: Path) -> None:
    bomb = Bomb(tmp_path / "planted")
    job, summary = ProcessJob(account_id="acc-1"), Aggregate(account_ids=["acc-1"])
    await create(service, "job/p", {"args": [job.model_dump()]}, http_fingerprint=fingerprint(job))
    await create(service, "summary/p", {"args": [summary.model_dump()]}, http_fingerprint=fingerprint(summary))
    question = {"held": "job/p:1", "root": "job/p"}
    await create(service, "approve/job/p", question)
    await create(service, "job/p:1", None)
    await create(service, "job/q", None)
    for promise_id in ("job/p", "summary/p", "approve/job/p", "job/p:1", "job/q"):
        await plant(service, promise_id, bomb)
    await create(service, "approve/job/q", {**question, "root": "job/q"})  # A gate of work that has ended.

    key = {"Idempotency-Key": "p"}
    posted = await service.http.post("/jobs", json={"account_id": "acc-1"}, headers=key)
    assert (posted.status_code, posted.json()["status"]) == (202, "failed")
    assert posted.headers["Idempotent-Replayed"] == "true"
    responses = [posted]
    waits: list[dict[str, str]] = [{}, {"Prefer": "wait=1"}]
    for path in ("/jobs/p", "/accounts/summary/p"):
        for headers in waits:
            responses.append(got := await service.http.get(path, headers=headers))
            assert (got.json()["status"], got.json()["error"]) == (
                "failed",
                {"code": "work-failed", "message": "planted"},
            )
    wrapped = await service.http.post("/accounts/summary", json=summary.model_dump(), headers=key)
    responses.append(wrapped)
    assert problem(wrapped) == (422, "work-failed")
    for name in ("p", "q"):
        body = {"job_id": name, "approved": True}
        responses.append(decided := await service.send_signed("/webhooks/approvals", body))
        assert problem(decided) == (410, "too-late")

    for response in responses:
        assert "pickle" not in response.text and bomb.pickled not in response.text
    assert not bomb.path.exists()
