"""The workflow `place-order`."""

from pydantic import BaseModel

from ...runtime.durable.rpc import JOB_TIMEOUT, Rpc


class PlaceOrder(BaseModel):
    """Request of `place-order`."""

    order_id: str
    quantity: int


class PlaceOrderResult(BaseModel):
    """Result of `place-order`."""

    order_id: str


place_order = Rpc(
    name="place-order",
    group="workers",
    request=PlaceOrder,
    result=PlaceOrderResult,
    timeout=JOB_TIMEOUT,
)
