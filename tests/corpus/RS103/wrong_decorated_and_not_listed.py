# file: archive/runtime/durable/rpc.py (shared)
# file: archive/runtime/engine/client.py (shared)
# file: archive/contracts/db/find_map.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class FindMap(BaseModel):
    sheet: int


class Map(BaseModel):
    title: str


find_map = Rpc(
    name="db.find_map",
    group="db",
    request=FindMap,
    result=Map,
)
# file: archive/contracts/db/lend_map.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class LendMap(BaseModel):
    sheet: int
    reader: str


class Loan(BaseModel):
    number: int


lend_map = Rpc(  # want: RS103
    name="db.lend_map",
    group="db",
    request=LendMap,
    result=Loan,
)
# file: archive/db/find_map.py
from resonate.context import Context

from ..contracts.db import find_map as contract
from ..contracts.db.find_map import FindMap, Map
from ..runtime.durable.rpc import serve


@serve(contract.find_map, retries=6)
async def find_map(ctx: Context, request: FindMap) -> Map:
    return Map(title=f"sheet {request.sheet}")
# file: archive/db/lend_map.py
from resonate.context import Context

from ..contracts.db import lend_map as contract
from ..contracts.db.lend_map import LendMap, Loan
from ..runtime.durable.rpc import serve


@serve(contract.lend_map, retries=6)
async def lend_map(ctx: Context, request: LendMap) -> Loan:
    return Loan(number=request.sheet)
# file: archive/db/worker.py
from ..runtime.durable.rpc import Registration
from .find_map import find_map

GROUP = "db"

SERVED: list[Registration] = [
    find_map,
]
