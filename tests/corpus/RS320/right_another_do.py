# file: shop/runtime/durable/rpc.py (shared)
# file: shop/contracts/db/stock.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Item(BaseModel):
    sku: str


class Reserved(BaseModel):
    id: str


reserve = Rpc("db.reserve", "db", Item, Reserved)
release = Rpc("db.release", "db", Item, Reserved)
# file: shop/workflows/pick.py
from resonate.context import Context

from ..contracts.db.stock import Item, release, reserve


class Plan:
    def __enter__(self) -> "Plan":
        return self

    def __exit__(self, *exc: object) -> None: ...

    def do(self, what: str, undo: object = None) -> None: ...


async def pick(ctx: Context, sku: str) -> None:
    with Plan() as plan:
        plan.do(sku, undo=await release(ctx, Item(sku=sku)))
        await reserve(ctx, Item(sku=sku))
