"""A synchronous wrap: the result at once when the work is quick, else where to poll."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ..contracts.db.get_account import AccountId
from ..contracts.workflows.aggregate import Aggregate, Summary, aggregate
from ..runtime.durable.ids import root_id
from ..runtime.http.auth import AuthenticatedRoute, get_caller
from ..runtime.http.idempotency import get_submission
from ..runtime.http.openapi import IDEMPOTENCY_KEY, POLLED, PREFER, authenticated, waited
from ..runtime.http.work import Progress, poll, start, wait

router = APIRouter(prefix="/accounts", tags=["accounts"], route_class=AuthenticatedRoute)


class SummaryRequest(BaseModel):
    """The accounts to summarise, in this order."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"account_ids": ["acc-1", "acc-2"]}]}
    )

    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=100)]


@router.post(
    "/summary",
    response_model=Summary,
    openapi_extra=authenticated(IDEMPOTENCY_KEY, PREFER),
    responses=waited(Progress[Summary]),
)
async def summarise(body: SummaryRequest, request: Request, response: Response) -> Response | Summary:
    """Summarise accounts. It waits up to SYNC_WAIT, or as `Prefer: wait=N` says."""
    submission = get_submission(request)
    summary_id = submission.public_id
    wanted = Aggregate(account_ids=body.account_ids)
    location = f"/accounts/summary/{summary_id}"
    started = await start(submission, aggregate, root_id("summary", summary_id), wanted, location)
    return await wait(started, Summary, request, response)


@router.get("/summary/{id}", openapi_extra=authenticated(PREFER), responses=POLLED)
async def get_summary(id: str, request: Request, response: Response) -> Progress[Summary]:
    """How a summary goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = get_caller(request)
    return Progress[Summary].of(await poll(caller, root_id("summary", caller.visible(id)), request, response))
