"""Jobs: submit and poll."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.db import AccountId
from ...contracts.workflows import JobResult, ProcessJob, process_job
from ..dependencies import ForCallers, caller_of, not_found, preferred_wait, submission_of
from ..idempotency import Outcome, Status, await_end, start
from ..openapi import IDEMPOTENCY_KEY, PREFER, for_callers, problems

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=ForCallers)

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
    openapi_extra=for_callers(IDEMPOTENCY_KEY),
    responses={
        202: {"description": "Taken on; poll `Location`.", "headers": _ACCEPTED_HEADERS},
        **problems(
            (400, "The Idempotency-Key is malformed, or the body is no JSON."),
            (401, "The API key is missing or wrong."),
            (413, "The body is larger than 1 MiB."),
            (422, "The request does not fit its schema, or its key was used for another request."),
            (503, "The engine did not answer: the outcome is unknown, and repeating is safe with a key."),
        ),
    },
)
async def submit_job(body: JobRequest, request: Request, response: Response) -> JobAccepted:
    """Start a job. It runs on, whatever happens to this connection."""
    asked = submission_of(request)
    location = f"/jobs/{asked.public}"
    job = ProcessJob(account_id=body.account_id, requires_approval=body.requires_approval)
    root, timeout = ids.root("job", asked.public), asked.settings.job_timeout
    started = await start(asked.engine, process_job, root, job, timeout, location)
    started.mark(response, location)
    approval = f"/webhooks/approvals/{asked.public}" if body.requires_approval else None
    links = JobLinks(self=location, approval=approval)
    return JobAccepted(id=asked.public, status=Outcome.of(started.record).status, links=links)


@router.get(
    "/{id}",
    openapi_extra=for_callers(PREFER),
    responses={
        200: {"headers": {"Preference-Applied": {"description": "`wait=N`", "schema": {"type": "string"}}}},
        **problems(
            (401, "The API key is missing or wrong."),
            (404, "There is no such job, or it is somebody else's."),
            (422, "The request does not fit its schema."),
            (503, "The engine did not answer."),
        ),
    },
)
async def get_job(id: str, request: Request, response: Response) -> Job:
    """How a job goes, and its result. `Prefer: wait=N` waits for the end."""
    caller, wait = caller_of(request), preferred_wait(request)
    record = await caller.engine.find(ids.root("job", caller.visible(id)))
    if record is None:
        raise not_found()
    if wait is not None:
        response.headers["Preference-Applied"] = f"wait={wait}"
        record = await await_end(caller.engine, record, wait)
    outcome = Outcome.of(record)
    return Job(id=id, status=outcome.status, result=outcome.result, error=outcome.error)
