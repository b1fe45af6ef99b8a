"""POST /place-order starts `place-order`; GET /place-order/{id} says how it goes."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.workflows import PlaceOrder, PlaceOrderResult, place_order
from ..answers import Accepted, Progress, accepted, poll
from ..dependencies import ForCallers, caller_of, submission_of
from ..idempotency import start
from ..openapi import IDEMPOTENCY_KEY, POLLED, PREFER, SUBMITTED, for_callers

router = APIRouter(tags=["place-order"], route_class=ForCallers)


class PlaceOrderRequest(BaseModel):
    """What `POST /place-order` takes."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"order_id": "example", "quantity": 1}]},
    )

    order_id: str
    quantity: int


@router.post("/place-order", status_code=202, openapi_extra=for_callers(IDEMPOTENCY_KEY), responses=SUBMITTED)
async def start_place_order(body: PlaceOrderRequest, request: Request, response: Response) -> Accepted:
    """Start `place-order`. It runs on, whatever happens to this connection."""
    asked = submission_of(request)
    location = f"/place-order/{asked.public}"
    wanted = PlaceOrder(order_id=body.order_id, quantity=body.quantity)
    root = ids.root("place-order", asked.public)
    started = await start(asked.engine, place_order, root, wanted, place_order.timeout, location)
    return accepted(started, asked.public, location, response)


@router.get("/place-order/{id}", openapi_extra=for_callers(PREFER), responses=POLLED)
async def poll_place_order(id: str, request: Request, response: Response) -> Progress[PlaceOrderResult]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = caller_of(request)
    root = ids.root("place-order", caller.visible(id))
    return Progress[PlaceOrderResult].of(id, await poll(caller, root, request, response))
