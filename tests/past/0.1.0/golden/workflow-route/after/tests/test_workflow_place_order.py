"""The workflow `place-order`, end to end.

This process runs every group, and stand-ins for the groups that other teams serve.
"""

from orders.contracts.workflows import PlaceOrder, PlaceOrderResult, place_order
from tests.conftest import Service
from tests.crashes import Crashes

REQUEST = PlaceOrder(order_id="example", quantity=1)


async def test_place_order(service: Service) -> None:
    result = await service.run(place_order, "place-order/test", REQUEST)
    assert result == PlaceOrderResult(order_id="example")
    # Asked for again under its id, it is the same run.
    again = await service.run(place_order, "place-order/test", REQUEST)
    assert again == result


def test_place_order_survives_crashes(crashes: Crashes) -> None:
    """Wherever the process dies, what becomes of it is the same."""
    crashes(place_order, REQUEST)
