"""The contract does not say what it raises."""
# file: shop/runtime/errors.py (shared)
# file: shop/runtime/durable/rpc.py (shared)
# file: shop/runtime/engine/client.py (shared)
# file: shop/contracts/pay.py
from pydantic import BaseModel

from ..runtime.durable.rpc import Rpc
from ..runtime.errors import Failure


class Payment(BaseModel):
    cents: int


class CardDeclined(Failure):
    pass


class CardLost(CardDeclined):
    pass


charge = Rpc(name="charge", group="cards", request=Payment, result=Payment)
pay = Rpc(name="pay", group="workers", request=Payment, result=Payment)
# file: shop/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .pay import pay

GROUP = "workers"

SERVED: list[Registration] = [pay]
# file: shop/workflows/pay.py
from resonate.context import Context

from ..contracts import pay as contract
from ..contracts.pay import Payment, CardDeclined, charge
from ..runtime.durable.rpc import serve


@serve(contract.pay)
async def pay(ctx: Context, payment: Payment) -> Payment:
    try:
        return await charge(ctx, payment)
    except CardDeclined:  # want: RS313
        return Payment(cents=0)
