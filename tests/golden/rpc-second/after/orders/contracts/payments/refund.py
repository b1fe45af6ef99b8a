"""The durable function `payments.refund` of group `payments`: another team's."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Refund(BaseModel):
    """Request of `payments.refund`.

    Group `payments` serves it: a durable function registered as `payments.refund`, in
    any language, called with one argument and answering one value:

        target    poll://any@payments
        argument  {"receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"}
        result    {"refunded_on": "2026-01-31"}
    """

    receipt: UUID
    amount: Decimal | None = None


class RefundResult(BaseModel):
    """Result of `payments.refund`."""

    refunded_on: date


refund = Rpc(
    name="payments.refund",
    group="payments",
    request=Refund,
    result=RefundResult,
)
