"""The durable function `payments.refund`: what goes over the wire, and a call."""

from datetime import date
from uuid import UUID

from orders.contracts.payments.refund import Refund, RefundResult, refund
from orders.runtime.testing.running import RunningService

REQUEST = Refund(receipt=UUID("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"))
RESULT = RefundResult(refunded_on=date(2026, 1, 31))


def test_the_wire() -> None:
    assert REQUEST.model_dump(mode="json", exclude_unset=True) == {"receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"}
    assert RESULT.model_dump(mode="json", exclude_unset=True) == {"refunded_on": "2026-01-31"}


async def test_refund(service: RunningService) -> None:
    result = await service.run(refund, "payments.refund/test", REQUEST)
    assert result == RESULT
