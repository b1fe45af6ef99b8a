"""The durable function `db.get_balance`: what goes over the wire, and a call."""

from orders.contracts.payments_db.get_balance import GetBalance, GetBalanceResult, get_balance
from orders.runtime.testing.running import RunningService

REQUEST = GetBalance(customer_id="example")
RESULT = GetBalanceResult()


def test_the_wire() -> None:
    assert REQUEST.model_dump(mode="json", exclude_unset=True) == {"customer_id": "example"}
    assert RESULT.model_dump(mode="json", exclude_unset=True) == {}


async def test_get_balance(service: RunningService) -> None:
    result = await service.run(get_balance, "db.get_balance/test", REQUEST)
    assert result == RESULT
