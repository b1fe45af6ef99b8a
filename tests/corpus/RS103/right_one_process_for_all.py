# file: ferry/__init__.py
# file: ferry/rpc.py (shared)
# file: ferry/contracts.py
from pydantic import BaseModel

from .rpc import Rpc

WORKERS, DB = "workers", "db"


class Passenger(BaseModel):
    name: str


class Berth(BaseModel):
    deck: int


board = Rpc(name="board", group=WORKERS, request=Passenger, result=Berth)
assign = Rpc(name="db.assign", group=DB, request=Passenger, result=Berth)
# file: ferry/workflows/__init__.py
# file: ferry/workflows/worker.py
from resonate.context import Context

from ..contracts import WORKERS, Berth, Passenger, assign, board
from ..rpc import serve

GROUP = WORKERS


async def board_ferry(ctx: Context, passenger: Passenger) -> Berth:
    return await assign(ctx, passenger)


SERVED = (serve(board, board_ferry),)
# file: ferry/db/__init__.py
# file: ferry/db/worker.py
from resonate.context import Context

from ..contracts import DB as GROUP, Berth, Passenger, assign
from ..rpc import serve


async def assign_berth(ctx: Context, passenger: Passenger) -> Berth:
    return Berth(deck=len(passenger.name))


SERVED = [serve(assign, assign_berth, retries=6)]
__all__ = ["GROUP", "SERVED"]
# file: ferry/dev.py
"""All of it in one process, under a group of its own."""

from .db import worker as db
from .workflows import worker as workers

GROUP = "dev"
SERVED = [*workers.SERVED, *db.SERVED]
