"""The durable function `payments.charge`: what goes over the wire, and a call."""

from decimal import Decimal
from uuid import UUID

from orders.contracts.payments import Charge, ChargeResult, charge
from tests.conftest import Service

REQUEST = Charge(order_id="example", amount=Decimal("1.50"), lines=["example"])
RESULT = ChargeResult(receipt=UUID("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"), paid=True)


def test_the_wire() -> None:
    assert REQUEST.model_dump(mode="json", exclude_unset=True) == {
        "order_id": "example",
        "amount": "1.50",
        "lines": ["example"],
    }
    assert RESULT.model_dump(mode="json", exclude_unset=True) == {
        "receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11",
        "paid": True,
    }


async def test_charge(service: Service) -> None:
    result = await service.run(charge, "payments.charge/test", REQUEST)
    assert result == RESULT
