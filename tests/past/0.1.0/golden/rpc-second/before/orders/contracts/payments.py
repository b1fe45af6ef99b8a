"""What group `payments` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""

from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from ..rpc import Rpc


class Charge(BaseModel):
    """What `payments.charge` is asked.

    Group `payments` serves it: a durable function registered as `payments.charge`, in any language, called with
    one argument and answering one value:

        target    poll://any@payments
        argument  {"order_id": "example", "amount": "1.50"}
        result    {"receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"}
    """

    order_id: str
    amount: Decimal


class ChargeResult(BaseModel):
    """What `payments.charge` answers."""

    receipt: UUID


charge = Rpc(
    name="payments.charge",
    group="payments",
    request=Charge,
    result=ChargeResult,
)
