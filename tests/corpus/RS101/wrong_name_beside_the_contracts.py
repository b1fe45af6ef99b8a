# file: orders/__init__.py
# file: orders/rpc.py (shared)
# file: orders/contracts.py
from pydantic import BaseModel

from .rpc import Rpc

DB = "db"


class Reserve(BaseModel):
    sku: str


class Reserved(BaseModel):
    reservation: str


class PlaceOrder(BaseModel):
    sku: str


reserve = Rpc(name=f"{DB}.reserve", group=DB, request=Reserve, result=Reserved)
place_order = Rpc(name="place-order", group="workers", request=PlaceOrder, result=Reserved)
# file: orders/db/__init__.py
# file: orders/db/worker.py
from resonate.context import Context

from ..contracts import Reserve, Reserved, reserve
from ..rpc import Served, serve

GROUP = "db"


async def reserve_stock(ctx: Context, request: Reserve) -> Reserved:
    return Reserved(reservation=f"r-{request.sku}")


SERVED: list[Served] = [serve(reserve, reserve_stock, retries=6)]
# file: orders/workflows/__init__.py
# file: orders/workflows/worker.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import DB, PlaceOrder, Reserve, Reserved, place_order, reserve
from ..rpc import Served, serve

GROUP = "workers"


async def place(ctx: Context, order: PlaceOrder) -> Reserved:
    held = await reserve(ctx, Reserve(sku=order.sku))
    db = ctx.options(target=DB, timeout=timedelta(minutes=5))
    await db.rpc(f"{DB}.release", {"reservation": held.reservation})  # want: RS101
    return held


SERVED: list[Served] = [serve(place_order, place)]
