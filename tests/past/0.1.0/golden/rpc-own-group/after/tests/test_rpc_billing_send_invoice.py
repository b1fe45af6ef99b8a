"""The durable function `billing.send-invoice`: what goes over the wire, and a call."""

from orders.contracts.billing import SendInvoice, SendInvoiceResult, send_invoice
from tests.conftest import Service

REQUEST = SendInvoice(customer_id="example")
RESULT = SendInvoiceResult(number=1)


def test_the_wire() -> None:
    assert REQUEST.model_dump(mode="json", exclude_unset=True) == {"customer_id": "example"}
    assert RESULT.model_dump(mode="json", exclude_unset=True) == {"number": 1}


async def test_send_invoice(service: Service) -> None:
    result = await service.run(send_invoice, "billing.send-invoice/test", REQUEST)
    assert result == RESULT
