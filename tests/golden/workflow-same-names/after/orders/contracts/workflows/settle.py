"""The workflow `settle`."""

from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from ...runtime.durable.rpc import JOB_TIMEOUT, Rpc


class Settle(BaseModel):
    """Request of `settle`."""

    customer_id: str
    amount: Decimal


class SettleResult(BaseModel):
    """Result of `settle`."""

    receipt: UUID
    number: int


settle = Rpc(
    name="settle",
    group="workers",
    request=Settle,
    result=SettleResult,
    timeout=JOB_TIMEOUT,
)
