"""The durable function `payments.charge` of group `payments`: another team's."""

from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Charge(BaseModel):
    """Request of `payments.charge`.

    Group `payments` serves it: a durable function registered as `payments.charge`, in
    any language, called with one argument and answering one value:

        target    poll://any@payments
        argument  {"order_id": "example", "amount": "1.50", "lines": ["example"]}
        result    {"receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11", "paid": true}
    """

    order_id: str
    amount: Decimal
    lines: list[str]


class ChargeResult(BaseModel):
    """Result of `payments.charge`."""

    receipt: UUID
    paid: bool


charge = Rpc(
    name="payments.charge",
    group="payments",
    request=Charge,
    result=ChargeResult,
)
