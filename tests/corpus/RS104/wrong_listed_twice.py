# file: opera/runtime/durable/rpc.py (shared)
# file: opera/runtime/engine/client.py (shared)
# file: opera/contracts/db/seats.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Seat(BaseModel):
    row: int


book_seat = Rpc(name="db.book_seat", group="db", request=Seat, result=Seat)
free_seat = Rpc(name="db.free_seat", group="db", request=Seat, result=Seat)
# file: opera/db/seats.py
from resonate.context import Context

from ..contracts.db import seats as contracts
from ..contracts.db.seats import Seat
from ..runtime.durable.rpc import serve


@serve(contracts.book_seat, retries=6)
async def book_seat(ctx: Context, seat: Seat) -> Seat:
    return seat


@serve(contracts.free_seat, retries=6)
async def free_seat(ctx: Context, seat: Seat) -> Seat:
    return seat


@serve(contracts.free_seat)
async def free_all(ctx: Context, seat: Seat) -> Seat:
    return seat
# file: opera/db/worker.py
from ..runtime.durable.rpc import Registration
from .seats import book_seat, free_all, free_seat

GROUP = "db"

# Two branches each brought a line.
SERVED: list[Registration] = [
    book_seat,
    free_seat,
    book_seat,  # want: RS104
    free_all,  # want: RS104
]
