"""The durable function `a-group-of-20-letter.a-name-of-17-char`: what goes over the wire, and a call."""

from uuid import UUID

from orders.contracts.zz_a_service_with_a_name_of_forty_letter_a_group_of_20_letter.a_name_of_17_char import (
    ANameOf17Char,
    ANameOf17CharResult,
    a_name_of_17_char,
)
from orders.runtime.testing.running import RunningService

REQUEST = ANameOf17Char(order_id="example")
RESULT = ANameOf17CharResult(receipt=UUID("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"))


def test_the_wire() -> None:
    assert REQUEST.model_dump(mode="json", exclude_unset=True) == {"order_id": "example"}
    assert RESULT.model_dump(mode="json", exclude_unset=True) == {"receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"}


async def test_a_name_of_17_char(service: RunningService) -> None:
    result = await service.run(a_name_of_17_char, "a-group-of-20-letter.a-name-of-17-char/test", REQUEST)
    assert result == RESULT
