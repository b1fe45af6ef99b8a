# file: hotel/__init__.py
# file: hotel/rpc.py (shared)
# file: hotel/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Stay(BaseModel):
    guest: str
    nights: int


class Room(BaseModel):
    number: int


class Bill(BaseModel):
    cents: int


assign_room = Rpc(name="db.assign_room", group="db", request=Stay, result=Room)
settle_bill = Rpc(name="db.settle_bill", group="db", request=Stay, result=Bill)
# file: hotel/db/__init__.py
# file: hotel/db/rooms.py
from resonate.context import Context

from ..contracts import Bill, Room, Stay


async def assign(ctx: Context, stay: Stay) -> Room:
    return Room(number=100 + stay.nights)


async def settle(ctx: Context, stay: Stay) -> Bill:
    return Bill(cents=stay.nights * 9_000)
# file: hotel/db/worker.py
from .. import contracts
from ..rpc import Served, serve
from .rooms import assign, settle

GROUP = "db"

# Two branches each brought the same line.
SERVED: list[Served] = [
    serve(contracts.assign_room, assign, retries=6),
    serve(contracts.settle_bill, settle, retries=6),
    serve(contracts.assign_room, assign),  # want: RS104
]
