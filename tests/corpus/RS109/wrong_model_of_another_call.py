# file: rent/__init__.py
# file: rent/rpc.py (shared)
# file: rent/contracts/__init__.py
# file: rent/contracts/db.py
from pydantic import BaseModel

from ..rpc import Rpc


class FindFlat(BaseModel):
    rooms: int


class Flat(BaseModel):
    number: int
    cents: int


class Rent(BaseModel):
    number: int
    tenant: str


class Rented(BaseModel):
    since: str


find_flat = Rpc(name="db.find_flat", group="db", request=FindFlat, result=Flat)
rent = Rpc(name="db.rent", group="db", request=Rent, result=Rented)
# file: rent/contracts/workflows.py
from pydantic import BaseModel

from ..rpc import Rpc
from .db import Rented


class MoveIn(BaseModel):
    tenant: str
    rooms: int


move_in = Rpc(name="move-in", group="workers", request=MoveIn, result=Rented)
# file: rent/db/__init__.py
# file: rent/db/worker.py
from resonate.context import Context

from ..contracts import db
from ..rpc import serve

GROUP = "db"


async def find(ctx: Context, request: db.FindFlat) -> db.Flat:
    return db.Flat(number=request.rooms, cents=50_000)


async def let(ctx: Context, request: db.Rent) -> db.Rented:
    return db.Rented(since="2024-05-01")


SERVED = [serve(db.find_flat, find), serve(db.rent, let)]
# file: rent/workflows/__init__.py
# file: rent/workflows/worker.py
from resonate.context import Context

from ..contracts import db
from ..contracts.workflows import MoveIn, move_in
from ..rpc import serve

GROUP = "workers"


async def move(ctx: Context, request: MoveIn) -> db.Rented:
    flat = await db.find_flat(ctx, db.FindFlat(rooms=request.rooms))
    signed = db.Rent(number=flat.number, tenant=request.tenant)
    await db.rent(ctx, db.FindFlat(rooms=flat.number))  # want: RS109
    return await db.rent(ctx, signed)


SERVED = [serve(move_in, move)]
