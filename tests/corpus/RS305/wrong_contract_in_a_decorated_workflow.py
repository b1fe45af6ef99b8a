# file: depot/runtime/durable/rpc.py (shared)
# file: depot/runtime/engine/client.py (shared)
# file: depot/contracts/workflows/ship.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Parcel(BaseModel):
    number: str


ship = Rpc(name="ship", group="workers", request=Parcel, result=Parcel)
weigh = Rpc(name="scales.weigh", group="scales", request=Parcel, result=Parcel)
label = Rpc(name="labels.print", group="labels", request=Parcel, result=Parcel)
# file: depot/workflows/ship.py
from resonate.context import Context

from ..contracts.workflows import ship as contract
from ..contracts.workflows.ship import Parcel
from ..runtime.durable.rpc import serve


@serve(contract.ship)
async def ship(ctx: Context, parcel: Parcel) -> Parcel:
    contract.label(ctx, parcel)  # want: RS305
    weighed = contract.weigh(ctx, parcel)
    return await weighed
# file: depot/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .ship import ship

GROUP = "workers"

SERVED: list[Registration] = [ship]
