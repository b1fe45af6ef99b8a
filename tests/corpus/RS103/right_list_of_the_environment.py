# file: depot/__init__.py
# file: depot/rpc.py (shared)
# file: depot/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Crate(BaseModel):
    number: int


class Place(BaseModel):
    shelf: str


put = Rpc(name="depot.put", group="depot", request=Crate, result=Place)
find = Rpc(name="depot.find", group="depot", request=Crate, result=Place)
# file: depot/shelves/__init__.py
# file: depot/shelves/worker.py
import os

from resonate.context import Context

from .. import contracts
from ..rpc import serve

GROUP = "depot"


async def put_away(ctx: Context, crate: contracts.Crate) -> contracts.Place:
    return contracts.Place(shelf=f"A{crate.number}")


async def look_up(ctx: Context, crate: contracts.Crate) -> contracts.Place:
    return contracts.Place(shelf=f"B{crate.number}")


WRITING = [serve(contracts.put, put_away)]
READING = [serve(contracts.find, look_up)]
SERVED = WRITING if os.environ.get("WRITES") else READING
