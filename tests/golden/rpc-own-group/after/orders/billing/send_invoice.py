"""The durable function `billing.send-invoice`."""

from resonate.context import Context

from ..contracts.billing import send_invoice as contract
from ..contracts.billing.send_invoice import SendInvoice, SendInvoiceResult
from ..runtime.durable.rpc import serve


@serve(contract.send_invoice)
async def send_invoice(ctx: Context, request: SendInvoice) -> SendInvoiceResult:
    """Run `billing.send-invoice`."""
    return SendInvoiceResult(
        # An example: nothing here has this name and type.
        number=1
    )
