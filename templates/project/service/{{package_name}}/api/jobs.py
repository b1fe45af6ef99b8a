"""Jobs: submit, list, poll and cancel."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ..contracts.db.get_account import AccountId
from ..contracts.workflows.process_job import JobResult, ProcessJob, process_job
from ..runtime.durable.ids import root_id
from ..runtime.http.auth import AuthenticatedRoute, get_caller
from ..runtime.http.cancel import cancel
from ..runtime.http.idempotency import get_submission
from ..runtime.http.openapi import ACCEPTED, CANCELED, IDEMPOTENCY_KEY, POLLED, PREFER, authenticated
from ..runtime.http.pages import Cursor, Limit
from ..runtime.http.runs import RUNS_LISTED, StatusFilter, WorkList, list_work
from ..runtime.http.work import Accepted, Links, Progress, poll, start
from . import approvals

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=AuthenticatedRoute)


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
    """Where a job is found and, if it needs an approval, the webhook that takes the decision."""

    approval: str | None


class JobAccepted(Accepted):
    """A job that was accepted."""

    links: JobLinks


class Job(Progress[JobResult]):
    """A job's progress: `result` once it succeeded, `error` once it failed."""


@router.post("", status_code=202, openapi_extra=authenticated(IDEMPOTENCY_KEY), responses=ACCEPTED)
async def submit_job(body: JobRequest, request: Request, response: Response) -> JobAccepted:
    """Start a job. It runs on, whatever happens to this connection."""
    submission = get_submission(request)
    job_id = submission.public_id
    location = f"/jobs/{job_id}"
    job = ProcessJob(account_id=body.account_id, requires_approval=body.requires_approval)
    root = root_id("job", job_id)
    started = await start(submission, process_job, root, job, location)
    started.set_headers(response)
    approval = submission.link(approvals.router.prefix) if body.requires_approval else None
    return JobAccepted(id=job_id, status=started.status, links=JobLinks(self=started.location, approval=approval))


@router.get("", openapi_extra=authenticated(), responses=RUNS_LISTED)
async def list_jobs(
    request: Request, response: Response, status: StatusFilter = None, limit: Limit = 50, cursor: Cursor = None
) -> WorkList:
    """The caller's jobs, the newest first."""
    return await list_work("job", request, response, status=status, limit=limit, cursor=cursor)


@router.get("/{id}", openapi_extra=authenticated(PREFER), responses=POLLED)
async def get_job(id: str, request: Request, response: Response) -> Job:
    """How a job goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = get_caller(request)
    return Job.of(await poll(caller, root_id("job", caller.visible(id)), request, response))


@router.delete("/{id}", status_code=202, openapi_extra=authenticated(), responses=CANCELED)
async def cancel_job(id: str, request: Request, response: Response) -> Job:
    """Cancel a job: it stops at its next step, and is `canceled` then. The same again changes nothing."""
    caller = get_caller(request)
    return Job.of(await cancel(caller, root_id("job", caller.visible(id)), request, response))
