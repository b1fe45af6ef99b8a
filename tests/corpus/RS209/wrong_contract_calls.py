# file: stock/rpc.py (shared)
# file: stock/__init__.py
# file: stock/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Restock(BaseModel):
    skus: list[str]


class Restocked(BaseModel):
    ordered: int


class Order(BaseModel):
    sku: str


class Ordered(BaseModel):
    sku: str


restock = Rpc(name="restock", group="workers", request=Restock, result=Restocked)
order = Rpc(name="purchasing.order", group="purchasing", request=Order, result=Ordered)
# file: stock/restocking.py
import asyncio

from resonate.context import Context

from .contracts import Order, Restock, Restocked, order


async def restock_all(ctx: Context, request: Restock) -> Restocked:
    known: set[str] = set()
    for sku in request.skus:
        known.add(sku.upper())
    answers = await asyncio.gather(*[order(ctx, Order(sku=sku)) for sku in known])  # want: RS209
    return Restocked(ordered=len(answers))
# file: stock/worker.py
from . import contracts
from .restocking import restock_all
from .rpc import Served, serve

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.restock, restock_all)]
