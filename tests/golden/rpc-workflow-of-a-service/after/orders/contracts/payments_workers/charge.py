"""The durable function `charge` of group `payments.workers`: another team's."""

from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Charge(BaseModel):
    """Request of `charge`.

    Group `payments.workers` serves it: a durable function registered as `charge`, in
    any language, called with one argument and answering one value:

        target    poll://any@payments.workers
        argument  {"order_id": "example", "amount": "1.50"}
        result    {"receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"}
    """

    order_id: str
    amount: Decimal


class ChargeResult(BaseModel):
    """Result of `charge`."""

    receipt: UUID


charge = Rpc(
    name="charge",
    group="payments.workers",
    request=Charge,
    result=ChargeResult,
)
