"""The client of the HTTP API `payments`, by the step that uses it; its fake answers."""

from orders.contracts.workflows.pay_invoice import PayInvoice, pay_invoice
from orders.fakes import payments
from orders.runtime.testing.http_api import WatchFake
from orders.runtime.testing.running import RunningService

INVOICE = PayInvoice(invoice_id="inv-1", card="4242", cents=12_00)


async def test_a_charge_is_tried_again_with_the_same_key(service: RunningService, watch_fake: WatchFake) -> None:
    watched = watch_fake(payments, (429, {"Retry-After": "1"}))
    paid = await service.run(pay_invoice, "pay-invoice/inv-1", INVOICE)
    assert watched.keys == ["orders/pay-invoice/inv-1:1"] * 2
    assert paid.receipt == payments.charged["orders/pay-invoice/inv-1:1"].receipt


async def test_a_declined_card_is_not_tried_again(service: RunningService, watch_fake: WatchFake) -> None:
    watched = watch_fake(payments)
    declined = INVOICE.model_copy(update={"card": "declined"})
    outcome = await service.outcome(pay_invoice, "pay-invoice/inv-2", declined)
    assert outcome.error is not None and outcome.error.code == "card-declined"
    assert len(watched.requests) == 1
