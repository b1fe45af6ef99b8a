"""A synchronous wrap: the answer at once when the work is quick, else where to poll."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ... import ids
from ...contracts.db import AccountId
from ...contracts.workflows import Aggregate, Summary, aggregate
from ..answers import Progress, at_once, poll
from ..dependencies import ForCallers, caller_of, submission_of
from ..idempotency import start
from ..openapi import IDEMPOTENCY_KEY, POLLED, PREFER, for_callers, wrapped

router = APIRouter(prefix="/accounts", tags=["accounts"], route_class=ForCallers)


class SummaryRequest(BaseModel):
    """The accounts to summarise, in this order."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"account_ids": ["acc-1", "acc-2"]}]}
    )

    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=100)]


@router.post(
    "/summary",
    response_model=Summary,
    openapi_extra=for_callers(IDEMPOTENCY_KEY, PREFER),
    responses=wrapped(Progress[Summary]),
)
async def summarise(body: SummaryRequest, request: Request, response: Response) -> Response | Summary:
    """Summarise accounts. It waits up to SYNC_WAIT, or as `Prefer: wait=N` says."""
    asked = submission_of(request)
    location = f"/accounts/summary/{asked.public}"
    wanted, root = Aggregate(account_ids=body.account_ids), ids.root("summary", asked.public)
    started = await start(asked.engine, aggregate, root, wanted, aggregate.timeout, location)
    return await at_once(started, Summary, asked.public, location, request, response)


@router.get("/summary/{id}", openapi_extra=for_callers(PREFER), responses=POLLED)
async def get_summary(id: str, request: Request, response: Response) -> Progress[Summary]:
    """How a summary goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = caller_of(request)
    root = ids.root("summary", caller.visible(id))
    return Progress[Summary].of(id, await poll(caller, root, request, response))
