"""The durable function `billing.send-invoice`."""

from resonate.context import Context

from ..contracts.billing import SendInvoice, SendInvoiceResult


async def send_invoice(ctx: Context, request: SendInvoice) -> SendInvoiceResult:
    """Run one `billing.send-invoice`."""
    return SendInvoiceResult(
        # An example: nothing here has this name and type.
        number=1,
    )
