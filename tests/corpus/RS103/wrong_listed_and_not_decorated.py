# file: archive/runtime/durable/rpc.py (shared)
# file: archive/runtime/engine/client.py (shared)
# file: archive/contracts/db/maps.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class FindMap(BaseModel):
    sheet: int


class Map(BaseModel):
    title: str


find_map = Rpc(name="db.find_map", group="db", request=FindMap, result=Map)
copy_map = Rpc(name="db.copy_map", group="db", request=FindMap, result=Map)  # want: RS103
# file: archive/db/maps.py
from resonate.context import Context

from ..contracts.db import maps as contracts
from ..contracts.db.maps import FindMap, Map
from ..runtime.durable.rpc import serve


@serve(contracts.find_map, retries=6)
async def find_map(ctx: Context, request: FindMap) -> Map:
    return Map(title=f"sheet {request.sheet}")


async def copy_map(ctx: Context, request: FindMap) -> Map:
    return Map(title=f"copy of sheet {request.sheet}")
# file: archive/db/worker.py
from ..runtime.durable.rpc import Registration
from .maps import copy_map, find_map

GROUP = "db"

SERVED: list[Registration] = [find_map, copy_map]
