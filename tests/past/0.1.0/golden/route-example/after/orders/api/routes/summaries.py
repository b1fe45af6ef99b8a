"""POST /summaries starts `aggregate`; GET /summaries/{id} says how it goes."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ... import ids
from ...contracts.db import AccountId
from ...contracts.workflows import Aggregate, Summary, aggregate
from ..answers import Accepted, Progress, accepted, poll
from ..dependencies import ForCallers, caller_of, submission_of
from ..idempotency import start
from ..openapi import IDEMPOTENCY_KEY, POLLED, PREFER, SUBMITTED, for_callers

router = APIRouter(tags=["summaries"], route_class=ForCallers)


class SummariesRequest(BaseModel):
    """What `POST /summaries` takes."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"account_ids": ["example"]}]},
    )

    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=100)]


@router.post("/summaries", status_code=202, openapi_extra=for_callers(IDEMPOTENCY_KEY), responses=SUBMITTED)
async def start_summaries(body: SummariesRequest, request: Request, response: Response) -> Accepted:
    """Start `aggregate`. It runs on, whatever happens to this connection."""
    asked = submission_of(request)
    location = f"/summaries/{asked.public}"
    wanted = Aggregate(account_ids=body.account_ids)
    root = ids.root("aggregate", asked.public)
    started = await start(asked.engine, aggregate, root, wanted, aggregate.timeout, location)
    return accepted(started, asked.public, location, response)


@router.get("/summaries/{id}", openapi_extra=for_callers(PREFER), responses=POLLED)
async def poll_summaries(id: str, request: Request, response: Response) -> Progress[Summary]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = caller_of(request)
    root = ids.root("aggregate", caller.visible(id))
    return Progress[Summary].of(id, await poll(caller, root, request, response))
