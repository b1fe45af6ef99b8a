"""POST /summaries starts `aggregate`; GET /jobs/summaries/{id} says how it
goes, GET /summaries lists all.
"""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ..contracts.db.get_account import AccountId
from ..contracts.workflows.aggregate import Aggregate, Summary, aggregate
from ..runtime.durable.ids import root_id
from ..runtime.http.auth import AuthenticatedRoute, get_caller
from ..runtime.http.cancel import cancel
from ..runtime.http.idempotency import get_submission
from ..runtime.http.openapi import ACCEPTED, CANCELED, IDEMPOTENCY_KEY, POLLED, PREFER, authenticated
from ..runtime.http.pages import Cursor, Limit
from ..runtime.http.runs import RUNS_LISTED, StatusFilter, WorkList, list_work
from ..runtime.http.work import Accepted, Progress, accept, poll, start

router = APIRouter(tags=["summaries"], route_class=AuthenticatedRoute)


class SummariesRequest(BaseModel):
    """What `POST /summaries` takes."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"account_ids": ["example"]}]}
    )

    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=100)]


@router.post(
    "/summaries",
    status_code=202,
    openapi_extra=authenticated(IDEMPOTENCY_KEY, polled_at="/jobs/summaries/{id}"),
    responses=ACCEPTED,
)
async def start_summaries(body: SummariesRequest, request: Request, response: Response) -> Accepted:
    """Start `aggregate`.

    It runs on, whatever happens to this connection.
    """
    submission = get_submission(request)
    location = f"/jobs/summaries/{submission.public_id}"
    wanted = Aggregate(account_ids=body.account_ids)
    root = root_id("summaries", submission.public_id)
    started = await start(submission, aggregate, root, wanted, location)
    return accept(started, response)


@router.get("/summaries", openapi_extra=authenticated(), responses=RUNS_LISTED)
async def list_summaries(
    request: Request, response: Response, status: StatusFilter = None, limit: Limit = 50, cursor: Cursor = None
) -> WorkList:
    """The caller's own, the newest first."""
    return await list_work(
        "summaries", request, response, status=status, limit=limit, cursor=cursor, polled_at="/jobs/summaries"
    )


@router.get("/jobs/summaries/{id}", openapi_extra=authenticated(PREFER), responses=POLLED)
async def poll_summaries(id: str, request: Request, response: Response) -> Progress[Summary]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = get_caller(request)
    root = root_id("summaries", caller.visible(id))
    return Progress[Summary].of(await poll(caller, root, request, response))


@router.delete("/jobs/summaries/{id}", status_code=202, openapi_extra=authenticated(), responses=CANCELED)
async def cancel_summaries(id: str, request: Request, response: Response) -> Progress[Summary]:
    """Cancel it: it stops at its next step. The same again changes nothing."""
    caller = get_caller(request)
    root = root_id("summaries", caller.visible(id))
    return Progress[Summary].of(await cancel(caller, root, request, response))
