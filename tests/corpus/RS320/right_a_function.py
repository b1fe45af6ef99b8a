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


async def pick(ctx: Context, sku: str) -> None:
    item = Item(sku=sku)

    async def undo() -> None:
        await release(ctx, item)

    async with saga(ctx) as s:
        await s.do(reserve(ctx, item), undo=undo)
