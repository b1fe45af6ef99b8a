"""The durable function `charge`: what goes over the wire, and a call."""

from decimal import Decimal
from uuid import UUID

from orders.contracts.payments_workers.charge import Charge, ChargeResult, charge
from orders.runtime.testing.running import RunningService

REQUEST = Charge(order_id="example", amount=Decimal("1.50"))
RESULT = ChargeResult(receipt=UUID("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"))


def test_the_wire() -> None:
    assert REQUEST.model_dump(mode="json", exclude_unset=True) == {"order_id": "example", "amount": "1.50"}
    assert RESULT.model_dump(mode="json", exclude_unset=True) == {"receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"}


async def test_charge(service: RunningService) -> None:
    result = await service.run(charge, "charge/test", REQUEST)
    assert result == RESULT
