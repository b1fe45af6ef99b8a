"""The workflow `settle`."""

from resonate.context import Context

from ..contracts.billing.charge import Charge as BillingCharge
from ..contracts.billing.charge import charge as billing_charge
from ..contracts.payments.charge import Charge, charge
from ..contracts.stripe_workers.refund import Refund, refund
from ..contracts.workflows import settle as contract
from ..contracts.workflows.settle import Settle, SettleResult
from ..runtime.durable.rpc import serve


@serve(contract.settle)
async def settle(ctx: Context, request: Settle) -> SettleResult:
    """Run `settle`."""
    charge_result = await charge(ctx, Charge(amount=request.amount))
    billing_charge_result = await billing_charge(
        ctx, BillingCharge(customer_id=request.customer_id, amount=request.amount)
    )
    await refund(ctx, Refund(receipt=charge_result.receipt))
    return SettleResult(receipt=charge_result.receipt, number=billing_charge_result.number)
