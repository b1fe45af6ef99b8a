# file: shop/runtime/durable/rpc.py (shared)
# file: shop/runtime/durable/saga.py (shared)
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
from ..runtime.durable.saga import saga


async def pick(ctx: Context, skus: list[str]) -> None:
    left = list(skus)
    async with saga(ctx) as s:
        while left:
            sku = left.pop()
            await s.do(
                reserve(ctx, Item(sku=sku)),
                undo=lambda: release(ctx, Item(sku=sku)),  # want: RS319
            )
