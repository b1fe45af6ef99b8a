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
find_map_2 = Rpc(name="db.find_map", group="db", request=FindMap, result=Map, version=2)
copy_map = Rpc(name="db.copy_map", group="db", request=FindMap, result=Map)
burn_map = Rpc(name="db.burn_map", group="db", request=FindMap, result=Map)
scan_map = Rpc(name="scans.scan", group="scans.workers", request=FindMap, result=Map)
# file: archive/db/maps.py
from resonate.context import Context

from ..contracts.db import maps as contracts
from ..contracts.db.maps import FindMap, Map
from ..runtime.durable.rpc import serve as fulfils


@fulfils(contracts.find_map, retries=6)
async def find_map(ctx: Context, request: FindMap) -> Map:
    return Map(title=f"sheet {request.sheet}")


async def look(ctx: Context, request: FindMap) -> Map:
    return Map(title=f"sheet {request.sheet}, second edition")


newer = fulfils(contracts.find_map_2)(look)


@fulfils(contracts.copy_map)
async def _copy(ctx: Context, request: FindMap) -> Map:
    return Map(title=f"copy of sheet {request.sheet}")


copied = _copy
FOUND = [find_map, newer]
# file: archive/db/fire.py
from resonate.context import Context

from ..contracts.db.maps import FindMap, Map, burn_map as contract
from ..runtime.durable.rpc import serve


@serve(contract)
async def burn(ctx: Context, request: FindMap) -> Map:
    return Map(title="ashes")
# file: archive/db/worker.py
from ..runtime.durable.rpc import Registration
from . import fire
from .maps import FOUND, copied as copying

GROUP = "db"

SERVED: list[Registration] = [*FOUND, copying]
SERVED += [fire.burn]
# file: archive/fakes/scan.py
from resonate.context import Context

from ..contracts.db.maps import FindMap, Map, scan_map
from ..runtime.durable.rpc import serve


@serve(scan_map)
async def scan(ctx: Context, request: FindMap) -> Map:
    return Map(title="a pretended scan")
# file: archive/fakes/worker.py
from ..runtime.durable.rpc import Registration
from .scan import scan

SERVED: list[Registration] = [scan]
