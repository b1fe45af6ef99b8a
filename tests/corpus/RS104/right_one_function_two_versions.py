# file: opera/runtime/durable/rpc.py (shared)
# file: opera/runtime/engine/client.py (shared)
# file: opera/contracts/db/seats.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Seat(BaseModel):
    row: int


book_seat = Rpc(name="db.book_seat", group="db", request=Seat, result=Seat)
book_seat_2 = Rpc(name="db.book_seat", group="db", request=Seat, result=Seat, version=2)
book_box = Rpc(name="db.book_seat", group="boxes", request=Seat, result=Seat)
# file: opera/house/seats.py
from resonate.context import Context

from ..contracts.db import seats as contracts
from ..contracts.db.seats import Seat
from ..runtime.durable.rpc import serve


@serve(contracts.book_seat, retries=6)
async def book_seat(ctx: Context, seat: Seat) -> Seat:
    return seat


@serve(contracts.book_seat_2, retries=6)
async def book_seat_2(ctx: Context, seat: Seat) -> Seat:
    return await book_seat(ctx, seat)


@serve(contracts.book_box)
async def book_box(ctx: Context, seat: Seat) -> Seat:
    return seat
# file: opera/house/worker.py
from ..runtime.durable.rpc import Registration
from .seats import book_seat, book_seat_2

GROUP = "db"

SERVED: list[Registration] = [book_seat, book_seat_2]
# file: opera/boxes/worker.py
from ..house.seats import book_box
from ..runtime.durable.rpc import Registration

GROUP = "boxes"

SERVED: list[Registration] = [book_box]
