# file: depot/runtime/durable/rpc.py (shared)
# file: depot/runtime/engine/client.py (shared)
# file: depot/contracts/workflows/ship.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Parcel(BaseModel):
    number: str


class Parcels(BaseModel):
    parcels: list[Parcel]


ship = Rpc(name="ship", group="workers", request=Parcels, result=Parcels)
weigh = Rpc(name="scales.weigh", group="scales", request=Parcel, result=Parcel)
# file: depot/workflows/ship.py
from resonate.context import Context

from ..contracts.workflows import ship as contract
from ..contracts.workflows.ship import Parcels, weigh
from ..runtime.durable.rpc import serve


@serve(contract.ship)
async def ship(ctx: Context, request: Parcels) -> Parcels:
    calls = [weigh(ctx, parcel) for parcel in request.parcels]
    return Parcels(parcels=[await call for call in calls])
# file: depot/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .ship import ship

GROUP = "workers"

SERVED: list[Registration] = [ship]
