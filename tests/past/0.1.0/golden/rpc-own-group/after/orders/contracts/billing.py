"""What group `billing` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""

from pydantic import BaseModel

from ..rpc import Rpc


class SendInvoice(BaseModel):
    """What `billing.send-invoice` is asked."""

    customer_id: str


class SendInvoiceResult(BaseModel):
    """What `billing.send-invoice` answers."""

    number: int


send_invoice = Rpc(
    name="billing.send-invoice",
    group="billing",
    request=SendInvoice,
    result=SendInvoiceResult,
)
