# file: lost/__init__.py
# file: lost/rpc.py (shared)
# file: lost/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Thing(BaseModel):
    colour: str


class Umbrella(Thing):
    broken: bool = False


class Place(BaseModel):
    shelf: int


class LockedPlace(Place):
    key: str = "k"


find = Rpc(name="db.find", group="db", request=Umbrella, result=Place)
store = Rpc(name="db.store", group="db", request=Thing, result=Place)
report = Rpc(name="report", group="workers", request=Thing, result=Place)
# file: lost/db/__init__.py
# file: lost/db/worker.py
from typing import Any

from resonate.context import Context

from ..contracts import LockedPlace, Thing, find, store
from ..rpc import serve

GROUP = "db"


async def search(ctx: Context, thing: Thing) -> LockedPlace:
    """Takes more than the contract asks, and gives more."""
    return LockedPlace(shelf=len(thing.colour))


async def put(ctx: Context, thing: Any):
    return LockedPlace(shelf=len(thing.colour))


SERVED = [serve(find, search), serve(store, put)]
# file: lost/workflows/__init__.py
# file: lost/workflows/worker.py
from resonate.context import Context

from ..contracts import Place, Thing, Umbrella, find, report, store
from ..rpc import serve

GROUP = "workers"


def umbrella_of(thing: Thing):
    return Umbrella(colour=thing.colour)


async def report_loss(ctx: Context, thing: Thing) -> Place:
    await store(ctx, Umbrella(colour=thing.colour))
    found = await find(ctx, umbrella_of(thing))
    lost = Umbrella(colour="red") if found.shelf else Umbrella(colour="blue")
    return await find(ctx, lost)


SERVED = [serve(report, report_loss)]
