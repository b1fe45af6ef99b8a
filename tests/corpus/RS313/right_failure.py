"""A Failure of a step, the class of all, and what the runtime makes of others."""
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
from ..contracts.pay import Payment
from ..runtime.durable.rpc import serve
from ..runtime.errors import Failure, StepFailed


class Declined(Failure):
    pass


@serve(contract.pay)
async def pay(ctx: Context, payment: Payment) -> Payment:
    try:
        await ctx.run(charge, payment)
    except Declined:
        payment = Payment(cents=0)
    try:
        await ctx.run(charge, payment)
    except StepFailed as error:
        payment = Payment(cents=len(error.error))
    try:
        return await ctx.run(charge, payment)
    except Failure:
        return payment
    except Exception:
        return payment


async def charge(ctx: Context, payment: Payment) -> Payment:
    if payment.cents > 100:
        raise Declined("too much")
    raise ValueError("odd")
