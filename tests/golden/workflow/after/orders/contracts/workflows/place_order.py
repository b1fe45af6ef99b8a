"""The workflow `place-order`."""

from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from ...runtime.durable.rpc import JOB_TIMEOUT, Rpc


class PlaceOrder(BaseModel):
    """Request of `place-order`."""

    order_id: str
    sku: str
    quantity: int
    amount: Decimal
    note: str | None = None


class PlaceOrderResult(BaseModel):
    """Result of `place-order`."""

    order_id: str
    left: int
    receipt: UUID
    tags: list[str]


place_order = Rpc(
    name="place-order",
    group="workers",
    request=PlaceOrder,
    result=PlaceOrderResult,
    timeout=JOB_TIMEOUT,
)
