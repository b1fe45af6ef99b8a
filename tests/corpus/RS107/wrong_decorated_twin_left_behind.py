# file: choir/runtime/durable/rpc.py (shared)
# file: choir/runtime/engine/client.py (shared)
# file: choir/contracts/db/seat.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Singer(BaseModel):
    name: str


seat = Rpc(name="db.seat", group="db", request=Singer, result=Singer)
hire = Rpc(name="agency.hire", group="agency.workers", request=Singer, result=Singer)
# file: choir/db/seat.py
from resonate.context import Context

from ..contracts.db import seat as contract
from ..contracts.db.seat import Singer
from ..runtime.durable.rpc import serve


@serve(contract.seat, retries=6)
async def seat(ctx: Context, singer: Singer) -> Singer:
    return singer


@serve(contract.seat)
async def seat_by_height(ctx: Context, singer: Singer) -> Singer:  # want: RS107
    return Singer(name=singer.name.upper())
# file: choir/db/worker.py
from ..runtime.durable.rpc import Registration
from .seat import seat

GROUP = "db"

SERVED: list[Registration] = [seat]
# file: choir/fakes/hire.py
from resonate.context import Context

from ..contracts.db import seat as contract
from ..contracts.db.seat import Singer
from ..runtime.durable.rpc import serve


@serve(contract.hire)
async def hire(ctx: Context, singer: Singer) -> Singer:  # want: RS107
    return singer
# file: choir/fakes/worker.py
from ..runtime.durable.rpc import Registration

SERVED: list[Registration] = []
