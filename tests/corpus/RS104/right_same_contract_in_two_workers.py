# file: parcel/__init__.py
# file: parcel/rpc.py (shared)
# file: parcel/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Parcel(BaseModel):
    number: str


class Route(BaseModel):
    hubs: list[str]


route_v1 = Rpc(name="route", group="workers", request=Parcel, result=Route)
route_v2 = Rpc(name="route", group="workers", request=Parcel, result=Route, version=2)
trace = Rpc(name="trace", group="workers", request=Parcel, result=Route)
trace_db = Rpc(name="trace", group="db", request=Parcel, result=Route)
# file: parcel/workflows/__init__.py
# file: parcel/workflows/worker.py
from resonate.context import Context

from ..contracts import Parcel, Route, route_v1, route_v2, trace, trace_db
from ..rpc import serve

GROUP = "workers"


async def route(ctx: Context, parcel: Parcel) -> Route:
    return Route(hubs=[parcel.number[:2]])


async def follow(ctx: Context, parcel: Parcel) -> Route:
    return await trace_db(ctx, parcel)


SERVED = [serve(route_v1, route), serve(route_v2, route), serve(trace, follow)]
# file: parcel/db/__init__.py
# file: parcel/db/worker.py
from resonate.context import Context

from ..contracts import Parcel, Route, trace_db
from ..rpc import serve

GROUP = "db"


async def follow(ctx: Context, parcel: Parcel) -> Route:
    return Route(hubs=[parcel.number])


SERVED = [serve(trace_db, follow)]
