# file: shop/runtime/durable/rpc.py (shared)
# file: shop/contracts/db/stock.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Item(BaseModel):
    sku: str


class Reserved(BaseModel):
    id: str


reserve = Rpc("db.reserve", "db", Item, Reserved)
confirm = Rpc("db.confirm", "db", Reserved, Reserved)
# file: shop/workflows/pick.py
import asyncio

from resonate.context import Context

from ..contracts.db.stock import Item, Reserved, confirm, reserve


async def pick_one(ctx: Context, sku: str) -> Reserved:
    reserved = await reserve(ctx, Item(sku=sku))
    return await confirm(ctx, reserved)


async def pick(ctx: Context, skus: list[str]) -> list[Reserved]:
    return list(await asyncio.gather(*[pick_one(ctx, it) for it in skus]))  # want: RS212
