"""The workflow `settle`, end to end.

This process runs every group, and stand-ins for the groups that other teams serve.
"""

from decimal import Decimal

from orders.contracts.workflows.settle import Settle, settle
from orders.runtime.testing.crashes import Crashes
from orders.runtime.testing.running import RunningService

REQUEST = Settle(customer_id="example", amount=Decimal("1.50"))


async def test_settle(service: RunningService) -> None:
    result = await service.run(settle, "settle/test", REQUEST)
    # Asked for again under its id, it is the same run.
    again = await service.run(settle, "settle/test", REQUEST)
    assert again == result


def test_settle_survives_crashes(crashes: Crashes) -> None:
    """Wherever the process dies, what becomes of it is the same."""
    crashes(settle, REQUEST)
