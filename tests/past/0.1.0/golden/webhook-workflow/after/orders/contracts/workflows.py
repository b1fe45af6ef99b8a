"""What group `workers` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""

from datetime import timedelta

from pydantic import BaseModel

from ..gate import Gate
from ..rpc import Rpc


class PlaceOrder(BaseModel):
    """What `place-order` is asked."""

    order_id: str
    quantity: int


class PlaceOrderResult(BaseModel):
    """What `place-order` answers."""

    order_id: str


place_order = Rpc(
    name="place-order",
    group="workers",
    request=PlaceOrder,
    result=PlaceOrderResult,
    timeout=timedelta(days=7),
)


class Approval(BaseModel):
    """What webhook `approval` brings."""

    approved: bool
    by: str


approval = Gate("approval", Approval)
