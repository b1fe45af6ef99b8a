# file: garden/runtime/durable/rpc.py (shared)
# file: garden/runtime/engine/client.py (shared)
# file: garden/contracts/db/beds.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Bed(BaseModel):
    row: int


plant = Rpc(name="db.plant", group="db", request=Bed, result=Bed)
water = Rpc(name="db.water", group="db", request=Bed, result=Bed)
weed = Rpc(name="db.weed", group="db", request=Bed, result=Bed)
# file: garden/db/beds.py
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from resonate.context import Context

from ..contracts.db import beds as contracts
from ..contracts.db.beds import Bed
from ..runtime.durable.rpc import serve


def with_can(function: Callable[..., Awaitable[Bed]]) -> Callable[[Context, Bed], Awaitable[Bed]]:
    @wraps(function)
    async def called(ctx: Context, bed: Bed) -> Bed:
        return await function(ctx, bed, "can")

    return called


@serve(contracts.plant, retries=6)
async def plant(ctx: Context, bed: Bed, seed: str = "rocket") -> Bed:
    return Bed(row=bed.row + len(seed))


@serve(contracts.water, retries=6)
@with_can
async def water(ctx: Context, bed: Bed, can: str) -> Bed:
    return bed


@serve(contracts.weed)
async def weed(*given: Any) -> Bed:
    return Bed(row=len(given))
# file: garden/db/worker.py
from ..runtime.durable.rpc import Registration
from .beds import plant, water, weed

GROUP = "db"

SERVED: list[Registration] = [plant, water, weed]
