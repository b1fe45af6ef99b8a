"""What group `workers` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from ..rpc import Rpc


class PlaceOrder(BaseModel):
    """What `place-order` is asked."""

    order_id: str
    sku: str
    quantity: int
    amount: Decimal
    note: str | None = None


class PlaceOrderResult(BaseModel):
    """What `place-order` answers."""

    order_id: str
    left: int
    receipt: UUID
    tags: list[str]


place_order = Rpc(
    name="place-order",
    group="workers",
    request=PlaceOrder,
    result=PlaceOrderResult,
    timeout=timedelta(days=7),
)
