"""A synchronous wrap: the answer at once when the work is quick, else where to poll."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ... import ids
from ...contracts.db import AccountId
from ...contracts.workflows import Aggregate, Summary, aggregate
from ..dependencies import ForCallers, caller_of, not_found, preferred_wait, submission_of
from ..idempotency import Outcome, Status, await_end, start
from ..openapi import IDEMPOTENCY_KEY, PREFER, for_callers, problems
from ..problems import Problem

router = APIRouter(prefix="/accounts", tags=["accounts"], route_class=ForCallers)


class SummaryRequest(BaseModel):
    """The accounts to summarise, in this order."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"account_ids": ["acc-1", "acc-2"]}]}
    )

    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=100)]


class SummaryProgress(BaseModel):
    """A summary that was not there at once."""

    id: str
    status: Status
    result: Summary | None
    error: str | None


@router.post(
    "/summary",
    response_model=Summary,
    openapi_extra=for_callers(IDEMPOTENCY_KEY, PREFER),
    responses={
        202: {"model": SummaryProgress, "description": "It takes longer; poll `Location`."},
        **problems(
            (400, "The Idempotency-Key is malformed, or the body is no JSON."),
            (401, "The API key is missing or wrong."),
            (413, "The body is larger than 1 MiB."),
            (422, "The request does not fit its schema, or its key was used for another request."),
            (500, "The summary failed; the problem says how."),
            (503, "The engine did not answer: the outcome is unknown, and repeating is safe with a key."),
        ),
    },
)
async def summarise(body: SummaryRequest, request: Request, response: Response) -> Response | Summary:
    """Summarise accounts. It waits up to SYNC_WAIT, or as `Prefer: wait=N` says."""
    asked, wait = submission_of(request), preferred_wait(request)
    location = f"/accounts/summary/{asked.public}"
    wanted, root = Aggregate(account_ids=body.account_ids), ids.root("summary", asked.public)
    started = await start(asked.engine, aggregate, root, wanted, aggregate.timeout, location)
    started.mark(response, location)
    seconds = asked.settings.sync_wait.total_seconds() if wait is None else wait
    if wait is not None:
        response.headers["Preference-Applied"] = f"wait={wait}"
    outcome = Outcome.of(await await_end(asked.engine, started.record, seconds))
    if outcome.status is Status.SUCCEEDED:
        return Summary.model_validate(outcome.result)
    if outcome.status is not Status.RUNNING:
        raise Problem(500, "summary-failed", outcome.error or outcome.status, headers={"Location": location})
    progress = SummaryProgress(id=asked.public, status=outcome.status, result=None, error=None)
    return Response(progress.model_dump_json(), 202, dict(response.headers), "application/json")


@router.get(
    "/summary/{id}",
    openapi_extra=for_callers(),
    responses=problems(
        (401, "The API key is missing or wrong."),
        (404, "There is no such summary, or it is somebody else's."),
        (422, "The request does not fit its schema."),
        (503, "The engine did not answer."),
    ),
)
async def get_summary(id: str, request: Request) -> SummaryProgress:
    """How a summary goes, and its result."""
    caller = caller_of(request)
    record = await caller.engine.find(ids.root("summary", caller.visible(id)))
    if record is None:
        raise not_found()
    outcome = Outcome.of(record)
    return SummaryProgress(id=id, status=outcome.status, result=outcome.result, error=outcome.error)
