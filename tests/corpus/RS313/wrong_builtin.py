"""An error of Python, and one of a library."""
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
import httpx
from resonate.context import Context

from ..contracts import pay as contract
from ..contracts.pay import Payment
from ..runtime.durable.rpc import serve


@serve(contract.pay)
async def pay(ctx: Context, payment: Payment) -> Payment:
    charged = ctx.run(charge, payment)
    try:
        await charged
    except ValueError:  # want: RS313
        payment = Payment(cents=0)
    try:
        return await ctx.run(charge, payment)
    except (httpx.HTTPError, ConnectionError):  # want: RS313
        return payment


async def charge(ctx: Context, payment: Payment) -> Payment:
    async with httpx.AsyncClient() as client:
        await client.post("https://cards.example", json=payment.cents)
    if payment.cents > 100:
        raise ValueError("too much")
    return payment
