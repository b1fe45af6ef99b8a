"""POST /orders starts `place-order`; GET /jobs/orders/{id} says how it goes,
GET /jobs/orders lists all.
"""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.place_order import PlaceOrder, PlaceOrderResult, place_order
from ..runtime.durable.ids import root_id
from ..runtime.http.auth import AuthenticatedRoute, get_caller
from ..runtime.http.cancel import cancel
from ..runtime.http.idempotency import get_submission
from ..runtime.http.openapi import ACCEPTED, CANCELED, IDEMPOTENCY_KEY_REQUIRED, POLLED, PREFER, authenticated
from ..runtime.http.pages import Cursor, Limit
from ..runtime.http.runs import RUNS_LISTED, StatusFilter, WorkList, list_work
from ..runtime.http.work import Accepted, Progress, accept, poll, start

router = APIRouter(tags=["orders"], route_class=AuthenticatedRoute)


class OrdersRequest(BaseModel):
    """What `POST /orders` takes."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"order_id": "example", "quantity": 1}]}
    )

    order_id: str
    quantity: int


@router.post(
    "/orders",
    status_code=202,
    openapi_extra=authenticated(IDEMPOTENCY_KEY_REQUIRED, polled_at="/jobs/orders/{id}"),
    responses=ACCEPTED,
)
async def start_orders(body: OrdersRequest, request: Request, response: Response) -> Accepted:
    """Start `place-order`.

    It runs on, whatever happens to this connection.
    """
    submission = get_submission(request, "required")
    location = f"/jobs/orders/{submission.public_id}"
    wanted = PlaceOrder(order_id=body.order_id, quantity=body.quantity)
    root = root_id("orders", submission.public_id)
    started = await start(submission, place_order, root, wanted, location)
    return accept(started, response)


@router.get("/jobs/orders", openapi_extra=authenticated(), responses=RUNS_LISTED)
async def list_orders(
    request: Request, response: Response, status: StatusFilter = None, limit: Limit = 50, cursor: Cursor = None
) -> WorkList:
    """The caller's own, the newest first."""
    return await list_work("orders", request, response, status=status, limit=limit, cursor=cursor)


@router.get("/jobs/orders/{id}", openapi_extra=authenticated(PREFER), responses=POLLED)
async def poll_orders(id: str, request: Request, response: Response) -> Progress[PlaceOrderResult]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = get_caller(request)
    root = root_id("orders", caller.visible(id))
    return Progress[PlaceOrderResult].of(await poll(caller, root, request, response))


@router.delete("/jobs/orders/{id}", status_code=202, openapi_extra=authenticated(), responses=CANCELED)
async def cancel_orders(id: str, request: Request, response: Response) -> Progress[PlaceOrderResult]:
    """Cancel it: it stops at its next step. The same again changes nothing."""
    caller = get_caller(request)
    root = root_id("orders", caller.visible(id))
    return Progress[PlaceOrderResult].of(await cancel(caller, root, request, response))
