"""The workflow `place-order`.

A workflow only orchestrates: it runs again from the top whenever it wakes, and every durable call answers from the
record. So it must make the same calls in the same order: no clock, no random value, no I/O outside a step.
"""

from resonate.context import Context

from ..contracts import db, payments
from ..contracts.workflows import PlaceOrder, PlaceOrderResult


async def place_order(ctx: Context, request: PlaceOrder) -> PlaceOrderResult:
    """Run one `place-order`."""
    reserve_stock_result = await db.reserve_stock(ctx, db.ReserveStock(sku=request.sku, quantity=request.quantity))
    charge_result = await payments.charge(ctx, payments.Charge(order_id=request.order_id, amount=request.amount))
    return PlaceOrderResult(
        order_id=request.order_id,
        left=reserve_stock_result.left,
        receipt=charge_result.receipt,
        # An example: nothing here has this name and type.
        tags=["example"],
    )
