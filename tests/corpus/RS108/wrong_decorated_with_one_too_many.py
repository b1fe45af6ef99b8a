# file: garden/runtime/durable/rpc.py (shared)
# file: garden/runtime/engine/client.py (shared)
# file: garden/contracts/db/beds.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Bed(BaseModel):
    row: int


plant = Rpc(name="db.plant", group="db", request=Bed, result=Bed)
water = Rpc(name="db.water", group="db", request=Bed, result=Bed)
# file: garden/db/beds.py
from resonate.context import Context

from ..contracts.db import beds as contracts
from ..contracts.db.beds import Bed
from ..runtime.durable.rpc import serve


@serve(contracts.plant, retries=6)  # want: RS108
async def plant(ctx: Context, bed: Bed, seed: str) -> Bed:
    return Bed(row=bed.row + len(seed))


@serve(contracts.water, retries=6)  # want: RS108
async def water(bed: Bed) -> Bed:
    return bed
# file: garden/db/worker.py
from ..runtime.durable.rpc import Registration
from .beds import plant, water

GROUP = "db"

SERVED: list[Registration] = [plant, water]
