"""The workflow `pay-invoice`: charge a card, by an HTTP API of somebody else."""

from resonate.context import Context

from ..clients.payments import Payments
from ..contracts.workflows import pay_invoice as contract
from ..contracts.workflows.pay_invoice import PayInvoice, PayInvoiceResult
from ..runtime.durable.rpc import serve
from ..runtime.engine.retry import Retry

# After 1, 2, 4, 8, 16, and five times 30 s: three minutes, and longer where the API asks for it.
PATIENT = Retry(count=10, first=1)


@serve(contract.pay_invoice)
async def pay_invoice(ctx: Context, request: PayInvoice) -> PayInvoiceResult:
    """Pay one invoice."""
    receipt = await ctx.options(retry_policy=PATIENT).run(charge, request.card, request.cents)
    return PayInvoiceResult(receipt=receipt)


async def charge(ctx: Context, card: str, cents: int) -> str:
    """Step: the request. It may be sent more than once, each time with the same `Idempotency-Key`."""
    return (await ctx.get_dependency(Payments).charge(ctx, card, cents)).receipt
