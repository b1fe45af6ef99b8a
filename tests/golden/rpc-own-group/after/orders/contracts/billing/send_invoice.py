"""The durable function `billing.send-invoice`."""

from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class SendInvoice(BaseModel):
    """Request of `billing.send-invoice`."""

    customer_id: str


class SendInvoiceResult(BaseModel):
    """Result of `billing.send-invoice`."""

    number: int


send_invoice = Rpc(
    name="billing.send-invoice",
    group="billing",
    request=SendInvoice,
    result=SendInvoiceResult,
)
