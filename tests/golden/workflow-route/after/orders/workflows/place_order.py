"""The workflow `place-order`."""

from resonate.context import Context

from ..contracts.workflows import place_order as contract
from ..contracts.workflows.place_order import PlaceOrder, PlaceOrderResult
from ..runtime.durable.rpc import serve


@serve(contract.place_order)
async def place_order(ctx: Context, request: PlaceOrder) -> PlaceOrderResult:
    """Run `place-order`."""
    return PlaceOrderResult(order_id=request.order_id)
