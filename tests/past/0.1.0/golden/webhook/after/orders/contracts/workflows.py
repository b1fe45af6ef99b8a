"""What group `workers` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""

from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from ..gate import Gate


class PaymentSettled(BaseModel):
    """What webhook `payment-settled` brings."""

    receipt: UUID
    amount: Decimal
    note: str | None = None


payment_settled = Gate("payment-settled", PaymentSettled)
