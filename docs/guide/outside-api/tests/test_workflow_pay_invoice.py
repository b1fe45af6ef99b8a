"""The workflow `pay-invoice`: it charges once."""

from orders.contracts.workflows.pay_invoice import PayInvoice, pay_invoice
from orders.fakes import payments
from orders.runtime.http.work import Status
from orders.runtime.testing.crashes import Crashes


def test_it_charges_once_wherever_it_is_killed(crashes: Crashes) -> None:
    payments.charged.clear()
    invoice = PayInvoice(invoice_id="inv-1", card="4242", cents=12_00)
    assert crashes(pay_invoice, invoice).status is Status.SUCCEEDED
    assert len(payments.charged) == 1
