# file: choirs/__init__.py
# file: choirs/rpc.py (shared)
# file: choirs/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Singer(BaseModel):
    name: str


class Seat(BaseModel):
    row: int


seat = Rpc(name="db.seat", group="db", request=Singer, result=Seat)
# file: choirs/db/__init__.py
# file: choirs/db/seat.py
from resonate.context import Context

from ..contracts import Seat, Singer


async def give_seat(ctx: Context, singer: Singer) -> Seat:
    return Seat(row=len(singer.name))
# file: choirs/db/leave.py
from resonate.context import Context

from ..contracts import Seat, Singer


async def free_seat(ctx: Context, singer: Singer) -> Seat:  # want: RS107
    return Seat(row=-len(singer.name))
# file: choirs/db/worker.py
from ..contracts import seat
from ..rpc import Served, serve
from .seat import give_seat

GROUP = "db"

SERVED: list[Served] = [serve(seat, give_seat, retries=6)]
