"""The workflow `place-order`."""

from resonate.context import Context

from ..contracts.db.reserve_stock import ReserveStock, reserve_stock
from ..contracts.payments.charge import Charge, charge
from ..contracts.workflows import place_order as contract
from ..contracts.workflows.place_order import PlaceOrder, PlaceOrderResult
from ..runtime.durable.rpc import serve


@serve(contract.place_order)
async def place_order(ctx: Context, request: PlaceOrder) -> PlaceOrderResult:
    """Run `place-order`."""
    reserve_stock_result = await reserve_stock(ctx, ReserveStock(sku=request.sku, quantity=request.quantity))
    charge_result = await charge(ctx, Charge(order_id=request.order_id, amount=request.amount))
    return PlaceOrderResult(
        order_id=request.order_id,
        left=reserve_stock_result.left,
        receipt=charge_result.receipt,
        # An example: nothing here has this name and type.
        tags=["example"],
    )
