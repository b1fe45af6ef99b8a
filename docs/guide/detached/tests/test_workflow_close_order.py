"""The workflow `close-order`: it does not wait for the child that it starts, and starts it once."""

from orders.contracts.workflows.close_order import CloseOrder, close_order
from orders.runtime.http.work import Status
from orders.runtime.testing.crashes import Crashes
from orders.runtime.testing.running import RunningService

REQUEST = CloseOrder(order_id="o-1")


async def test_it_ends_while_its_child_goes_on(service: RunningService) -> None:
    result = await service.run(close_order, "close-order/o-1", REQUEST)
    child = await service.client.find(result.opinion_job)
    assert child is not None and child.state == "pending"
    parent = await service.client.find("close-order/o-1")
    assert parent is not None and parent.state == "resolved"
    assert child.timeout_at <= parent.timeout_at  # The parent's deadline is the child's, too.
    again = await service.run(close_order, "close-order/o-1", REQUEST)
    assert again == result


def test_it_survives_crashes(crashes: Crashes) -> None:
    """Whenever the process dies, the same child is found again under its id."""
    assert crashes(close_order, REQUEST).status is Status.SUCCEEDED
