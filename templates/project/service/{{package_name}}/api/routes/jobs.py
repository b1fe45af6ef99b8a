"""Jobs: submit and poll."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.db import AccountId
from ...contracts.workflows import JobResult, ProcessJob, process_job
from ..dependencies import CallerDep, EngineDep, KeyDep, SettingsDep, WaitDep, not_found, visible
from ..idempotency import Outcome, Status, await_end, start
from ..problems import describe

router = APIRouter(prefix="/jobs", tags=["jobs"])

_ACCEPTED_HEADERS = {
    "Location": {"description": "Where to poll.", "schema": {"type": "string"}},
    "Idempotent-Replayed": {"description": "`true` for a key that was used before.", "schema": {"type": "string"}},
}


class JobRequest(BaseModel):
    """A job to run."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"account_id": "acc-1", "requires_approval": False}]},
    )

    account_id: AccountId
    requires_approval: bool = False


class JobLinks(BaseModel):
    """Where a job is found, and where it is decided if it needs an approval."""

    self: str
    approval: str | None


class JobAccepted(BaseModel):
    """A job that was taken on."""

    id: str
    status: Status
    links: JobLinks


class Job(BaseModel):
    """A job's progress: `result` once it succeeded, `error` once it failed."""

    id: str
    status: Status
    result: JobResult | None
    error: str | None


@router.post(
    "",
    status_code=202,
    responses={
        202: {"description": "Taken on; poll `Location`.", "headers": _ACCEPTED_HEADERS},
        **describe(
            (400, "The Idempotency-Key is malformed, or the body is no JSON."),
            (401, "The API key is missing or wrong."),
            (413, "The body is larger than 1 MiB."),
            (422, "The request does not fit its schema, or its key was used for another request."),
            (503, "The engine did not answer: the outcome is unknown, and repeating is safe with a key."),
        ),
    },
)
async def submit_job(
    body: JobRequest, response: Response, engine: EngineDep, settings: SettingsDep, caller: CallerDep, key: KeyDep
) -> JobAccepted:
    """Start a job. It runs on, whatever happens to this connection."""
    public = ids.public_id(caller, key)
    location = f"/jobs/{public}"
    request = ProcessJob(**body.model_dump())
    started = await start(engine, process_job, ids.root("job", public), request, settings.job_timeout, location)
    started.mark(response, location)
    approval = f"/webhooks/approvals/{public}" if body.requires_approval else None
    links = JobLinks(self=location, approval=approval)
    return JobAccepted(id=public, status=Outcome.of(started.record).status, links=links)


@router.get(
    "/{id}",
    responses={
        200: {"headers": {"Preference-Applied": {"description": "`wait=N`", "schema": {"type": "string"}}}},
        **describe(
            (401, "The API key is missing or wrong."),
            (404, "There is no such job, or it is somebody else's."),
            (422, "The request does not fit its schema."),
            (503, "The engine did not answer."),
        ),
    },
)
async def get_job(id: str, response: Response, engine: EngineDep, caller: CallerDep, wait: WaitDep) -> Job:
    """How a job goes, and its result. `Prefer: wait=N` waits for the end."""
    record = await engine.find(ids.root("job", visible(caller, id)))
    if record is None:
        raise not_found()
    if wait is not None:
        response.headers["Preference-Applied"] = f"wait={wait}"
        record = await await_end(engine, record, wait)
    return Job(id=id, **_view(Outcome.of(record)))


def _view(outcome: Outcome) -> dict[str, Any]:
    return {"status": outcome.status, "result": outcome.result, "error": outcome.error}
