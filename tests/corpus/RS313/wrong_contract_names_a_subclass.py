"""What the contract names is a kind of what is caught by another handler."""
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


charge = Rpc(name="charge", group="cards", request=Payment, result=Payment, raises=(CardLost,))
pay = Rpc(name="pay", group="workers", request=Payment, result=Payment)
# file: shop/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .pay import pay

GROUP = "workers"

SERVED: list[Registration] = [pay]
# file: shop/workflows/pay.py
from resonate.context import Context

from ..contracts import pay as contract
from ..contracts.pay import Payment, CardDeclined, CardLost, charge
from ..runtime.durable.rpc import serve


@serve(contract.pay)
async def pay(ctx: Context, payment: Payment) -> Payment:
    return await twice(ctx, payment)


async def twice(ctx: Context, payment: Payment) -> Payment:
    try:
        await charge(ctx, payment)
        return await charge(ctx, payment)
    except CardLost:
        return Payment(cents=1)
    except Stolen:  # want: RS313
        return Payment(cents=0)


class Stolen(CardDeclined):
    pass
