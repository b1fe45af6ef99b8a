"""The gate `payment-settled`: a workflow waits here for its webhook."""

from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from ...runtime.durable.gate import Gate


class PaymentSettled(BaseModel):
    """What webhook `payment-settled` brings."""

    receipt: UUID
    amount: Decimal
    note: str | None = None


payment_settled = Gate("payment-settled", PaymentSettled)
