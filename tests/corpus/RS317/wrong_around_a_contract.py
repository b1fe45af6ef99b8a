# file: shop/runtime/durable/rpc.py (shared)
# file: shop/runtime/durable/gate.py (shared)
# file: shop/runtime/engine/client.py (shared)
# file: shop/contracts/db/stock.py
from pydantic import BaseModel

from ...runtime.durable.gate import Gate
from ...runtime.durable.rpc import Rpc


class Item(BaseModel):
    sku: str


class Reserved(BaseModel):
    id: str


reserve = Rpc("db.reserve", "db", Item, Reserved)
release = Rpc("db.release", "db", Reserved, Reserved)
picked = Gate("picked", Item)
# file: shop/workflows/pick.py
from datetime import timedelta

from resonate.context import Context

from ..contracts.db.stock import Item, Reserved, picked, release, reserve


async def pick(ctx: Context, item: Item) -> Reserved:
    reserved = await reserve(ctx, item)
    try:
        await picked.wait(ctx, timedelta(hours=1))
    except BaseException:
        await release(ctx, reserved)  # want: RS317
        raise
    try:
        return await reserve(ctx, item)
    finally:
        await release(ctx, reserved)  # want: RS317
