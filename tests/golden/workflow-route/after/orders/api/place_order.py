"""POST /place-order starts `place-order`; GET /jobs/place-order/{id} says how it
goes, GET /jobs/place-order lists all.
"""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.place_order import PlaceOrder, PlaceOrderResult, place_order
from ..runtime.durable.ids import root_id
from ..runtime.http.auth import AuthenticatedRoute, get_caller
from ..runtime.http.cancel import cancel
from ..runtime.http.idempotency import get_submission
from ..runtime.http.openapi import ACCEPTED, CANCELED, IDEMPOTENCY_KEY, POLLED, PREFER, authenticated
from ..runtime.http.pages import Cursor, Limit
from ..runtime.http.runs import RUNS_LISTED, StatusFilter, WorkList, list_work
from ..runtime.http.work import Accepted, Progress, accept, poll, start

router = APIRouter(tags=["place-order"], route_class=AuthenticatedRoute)


class PlaceOrderRequest(BaseModel):
    """What `POST /place-order` takes."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"order_id": "example", "quantity": 1}]}
    )

    order_id: str
    quantity: int


@router.post(
    "/place-order",
    status_code=202,
    openapi_extra=authenticated(IDEMPOTENCY_KEY, polled_at="/jobs/place-order/{id}"),
    responses=ACCEPTED,
)
async def start_place_order(body: PlaceOrderRequest, request: Request, response: Response) -> Accepted:
    """Start `place-order`.

    It runs on, whatever happens to this connection.
    """
    submission = get_submission(request)
    location = f"/jobs/place-order/{submission.public_id}"
    wanted = PlaceOrder(order_id=body.order_id, quantity=body.quantity)
    root = root_id("place-order", submission.public_id)
    started = await start(submission, place_order, root, wanted, location)
    return accept(started, response)


@router.get("/jobs/place-order", openapi_extra=authenticated(), responses=RUNS_LISTED)
async def list_place_order(
    request: Request, response: Response, status: StatusFilter = None, limit: Limit = 50, cursor: Cursor = None
) -> WorkList:
    """The caller's own, the newest first."""
    return await list_work("place-order", request, response, status=status, limit=limit, cursor=cursor)


@router.get("/jobs/place-order/{id}", openapi_extra=authenticated(PREFER), responses=POLLED)
async def poll_place_order(id: str, request: Request, response: Response) -> Progress[PlaceOrderResult]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = get_caller(request)
    root = root_id("place-order", caller.visible(id))
    return Progress[PlaceOrderResult].of(await poll(caller, root, request, response))


@router.delete("/jobs/place-order/{id}", status_code=202, openapi_extra=authenticated(), responses=CANCELED)
async def cancel_place_order(id: str, request: Request, response: Response) -> Progress[PlaceOrderResult]:
    """Cancel it: it stops at its next step. The same again changes nothing."""
    caller = get_caller(request)
    root = root_id("place-order", caller.visible(id))
    return Progress[PlaceOrderResult].of(await cancel(caller, root, request, response))
