"""What group `payments` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""

from datetime import date
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


class Refund(BaseModel):
    """What `payments.refund` is asked.

    Group `payments` serves it: a durable function registered as `payments.refund`, in any language, called with
    one argument and answering one value:

        target    poll://any@payments
        argument  {"receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"}
        result    {"refunded_on": "2026-01-31"}
    """

    receipt: UUID
    amount: Decimal | None = None


class RefundResult(BaseModel):
    """What `payments.refund` answers."""

    refunded_on: date


refund = Rpc(
    name="payments.refund",
    group="payments",
    request=Refund,
    result=RefundResult,
)
