"""The workflow `remind-customer`: it sleeps for days, whatever happens meanwhile."""

from datetime import timedelta

from orders.contracts.workflows.remind_customer import RemindCustomer, RemindCustomerResult, remind_customer
from orders.runtime.testing.crashes import Crashes
from orders.runtime.testing.running import RunningService

REQUEST = RemindCustomer(invoice_id="inv-1", days=2)


async def test_it_sleeps_first(service: RunningService) -> None:
    job = await remind_customer.start(service.client, "remind-customer/inv-1", REQUEST)
    sleep = await service.poll_until(lambda: service.client.find(f"{job.id}:1"), "it sleeps")
    assert sleep.state == "pending"
    assert timedelta(milliseconds=sleep.timeout_at - job.created_at) >= timedelta(days=2)
    assert await service.client.find(f"{job.id}:2") is None  # No reminder yet.


def test_it_wakes_up_and_survives_crashes(crashes: Crashes) -> None:
    """`crashes` has a clock of its own, which goes on to the end of a sleep when nothing else is left to do."""
    outcome = crashes(remind_customer, REQUEST)
    assert outcome.result == RemindCustomerResult(invoice_id="inv-1", reminded=True).model_dump()
