# file: choir/runtime/durable/rpc.py (shared)
# file: choir/runtime/engine/client.py (shared)
# file: choir/contracts/db/seat.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Singer(BaseModel):
    name: str


seat = Rpc(name="db.seat", group="db", request=Singer, result=Singer)
sing = Rpc(name="sing", group="workers", request=Singer, result=Singer)
# file: choir/db/seat.py
from resonate.context import Context

from ..contracts.db import seat as contract
from ..contracts.db.seat import Singer
from ..runtime.durable.rpc import serve


@serve(contract.seat, retries=6)
async def seat(ctx: Context, singer: Singer) -> Singer:
    return await tall(ctx, singer)


@serve(contract.seat)
async def tall(ctx: Context, singer: Singer) -> Singer:
    """Not in the list, but called by the one that is."""
    return Singer(name=singer.name.upper())
# file: choir/db/worker.py
from ..runtime.durable.rpc import Registration
from .seat import seat

GROUP = "db"

SERVED: list[Registration] = [seat]
# file: choir/workflows/worker.py
from resonate.context import Context

from ..contracts.db.seat import Singer, seat, sing
from ..runtime.durable.rpc import Registration, serve

GROUP = "workers"


@serve(sing)
async def sing_along(ctx: Context, singer: Singer) -> Singer:
    await ctx.run(breathe)
    return await seat(ctx, singer)


async def breathe(ctx: Context) -> None: ...


SERVED: list[Registration] = [sing_along]
