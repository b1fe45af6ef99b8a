"""A step is no workflow: what it calls raises what it raises."""
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
    return await ctx.run(charge, payment)


async def charge(ctx: Context, payment: Payment) -> Payment:
    try:
        async with httpx.AsyncClient() as client:
            await client.post("https://cards.example", json=payment.cents)
    except httpx.HTTPError as error:
        raise RuntimeError("try again") from error
    return payment
