"""The workflow `take-order`: of many orders of a customer one starts the welcome."""

import asyncio

from orders.contracts.workflows.take_order import TakeOrder, take_order
from orders.contracts.workflows.welcome_customer import welcome_customer
from orders.runtime.http.work import Status
from orders.runtime.testing.crashes import Crashes
from orders.runtime.testing.running import RunningService


async def test_a_customer_is_welcomed_once(service: RunningService) -> None:
    async def order(customer: str, number: int) -> str:
        request = TakeOrder(customer_id=customer, order_id=f"o-{number}")
        return (await service.run(take_order, f"take-order/{customer}-{number}", request)).welcome_job

    jobs = await asyncio.gather(*(order(customer, number) for customer in ("ada", "bo") for number in range(10)))
    assert sorted(set(jobs)) == ["welcome/ada", "welcome/bo"]
    ada = await service.client.find("welcome/ada")
    assert ada is not None and welcome_customer.stored_request(ada).customer_id == "ada"


def test_it_survives_crashes(crashes: Crashes) -> None:
    assert crashes(take_order, TakeOrder(customer_id="ada", order_id="o-1")).status is Status.SUCCEEDED
