"""Jobs: submit and poll."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.db import AccountId
from ...contracts.workflows import JobResult, ProcessJob, process_job
from ..answers import Accepted, Links, Progress, poll
from ..dependencies import ForCallers, caller_of, submission_of
from ..idempotency import start
from ..openapi import IDEMPOTENCY_KEY, POLLED, PREFER, SUBMITTED, for_callers

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=ForCallers)


class JobRequest(BaseModel):
    """A job to run."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"account_id": "acc-1", "requires_approval": False}]},
    )

    account_id: AccountId
    requires_approval: bool = False


class JobLinks(Links):
    """Where a job is found, and where it is decided if it needs an approval."""

    approval: str | None


class JobAccepted(Accepted):
    """A job that was taken on."""

    links: JobLinks


class Job(Progress[JobResult]):
    """A job's progress: `result` once it succeeded, `error` once it failed."""


@router.post("", status_code=202, openapi_extra=for_callers(IDEMPOTENCY_KEY), responses=SUBMITTED)
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
    return JobAccepted(id=asked.public, status=started.status, links=links)


@router.get("/{id}", openapi_extra=for_callers(PREFER), responses=POLLED)
async def get_job(id: str, request: Request, response: Response) -> Job:
    """How a job goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = caller_of(request)
    root = ids.root("job", caller.visible(id))
    return Job.of(id, await poll(caller, root, request, response))
