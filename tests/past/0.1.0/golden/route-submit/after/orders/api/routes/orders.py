"""POST /orders starts `place-order`; GET /orders/{id} says how it goes."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.workflows import PlaceOrder, PlaceOrderResult, place_order
from ..answers import Accepted, Progress, accepted, poll
from ..dependencies import ForCallers, caller_of, submission_of
from ..idempotency import start
from ..openapi import IDEMPOTENCY_KEY_REQUIRED, POLLED, PREFER, SUBMITTED, for_callers

router = APIRouter(tags=["orders"], route_class=ForCallers)


class OrdersRequest(BaseModel):
    """What `POST /orders` takes."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"order_id": "example", "quantity": 1}]},
    )

    order_id: str
    quantity: int


@router.post("/orders", status_code=202, openapi_extra=for_callers(IDEMPOTENCY_KEY_REQUIRED), responses=SUBMITTED)
async def start_orders(body: OrdersRequest, request: Request, response: Response) -> Accepted:
    """Start `place-order`. It runs on, whatever happens to this connection."""
    asked = submission_of(request, "required")
    location = f"/orders/{asked.public}"
    wanted = PlaceOrder(order_id=body.order_id, quantity=body.quantity)
    root = ids.root("place-order", asked.public)
    started = await start(asked.engine, place_order, root, wanted, place_order.timeout, location)
    return accepted(started, asked.public, location, response)


@router.get("/orders/{id}", openapi_extra=for_callers(PREFER), responses=POLLED)
async def poll_orders(id: str, request: Request, response: Response) -> Progress[PlaceOrderResult]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = caller_of(request)
    root = ids.root("place-order", caller.visible(id))
    return Progress[PlaceOrderResult].of(id, await poll(caller, root, request, response))
