"""POST /prices starts `price-basket`; GET /jobs/prices/{id} says how it goes,
GET /jobs/prices lists all.
"""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.price_basket import PriceBasket, PriceBasketResult, price_basket
from ..runtime.durable.ids import root_id
from ..runtime.http.auth import AuthenticatedRoute, get_caller
from ..runtime.http.cancel import cancel
from ..runtime.http.idempotency import get_submission
from ..runtime.http.openapi import CANCELED, POLLED, PREFER, authenticated, waited
from ..runtime.http.pages import Cursor, Limit
from ..runtime.http.runs import RUNS_LISTED, StatusFilter, WorkList, list_work
from ..runtime.http.work import Progress, poll, start, wait

router = APIRouter(tags=["prices"], route_class=AuthenticatedRoute)


class PricesRequest(BaseModel):
    """What `POST /prices` takes."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"sku": "example"}]})

    sku: str
    quantity: int | None = None


@router.post(
    "/prices",
    response_model=PriceBasketResult,
    openapi_extra=authenticated(PREFER, polled_at="/jobs/prices/{id}"),
    responses=waited(Progress[PriceBasketResult]),
)
async def start_prices(body: PricesRequest, request: Request, response: Response) -> Response | PriceBasketResult:
    """Run `price-basket`.

    It waits up to 5 s, or as `Prefer: wait=N` says.
    """
    submission = get_submission(request, "none")
    location = f"/jobs/prices/{submission.public_id}"
    wanted = PriceBasket(sku=body.sku, quantity=body.quantity)
    root = root_id("prices", submission.public_id)
    started = await start(submission, price_basket, root, wanted, location)
    return await wait(started, PriceBasketResult, request, response, seconds=5)


@router.get("/jobs/prices", openapi_extra=authenticated(), responses=RUNS_LISTED)
async def list_prices(
    request: Request, response: Response, status: StatusFilter = None, limit: Limit = 50, cursor: Cursor = None
) -> WorkList:
    """The caller's own, the newest first."""
    return await list_work("prices", request, response, status=status, limit=limit, cursor=cursor)


@router.get("/jobs/prices/{id}", openapi_extra=authenticated(PREFER), responses=POLLED)
async def poll_prices(id: str, request: Request, response: Response) -> Progress[PriceBasketResult]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = get_caller(request)
    root = root_id("prices", caller.visible(id))
    return Progress[PriceBasketResult].of(await poll(caller, root, request, response))


@router.delete("/jobs/prices/{id}", status_code=202, openapi_extra=authenticated(), responses=CANCELED)
async def cancel_prices(id: str, request: Request, response: Response) -> Progress[PriceBasketResult]:
    """Cancel it: it stops at its next step. The same again changes nothing."""
    caller = get_caller(request)
    root = root_id("prices", caller.visible(id))
    return Progress[PriceBasketResult].of(await cancel(caller, root, request, response))
