# file: harbour/runtime/durable/rpc.py (shared)
# file: harbour/runtime/engine/client.py (shared)
# file: harbour/runtime/service.py (shared)
# file: harbour/__main__.py
from .runtime.service import Service
from .settings import Settings

GROUPS = [
    "workers",
    "db",
]

SERVICE = Service(
    name="harbour",
    package="harbour",
    settings=Settings,
    groups=GROUPS,
)
# file: harbour/settings.py
class Settings:
    """Nothing of its own."""
# file: harbour/contracts/cranes/lift.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Crate(BaseModel):
    tons: float


lift = Rpc(name="cranes.lift", group="cranes", request=Crate, result=Crate)
# file: harbour/cranes/lift.py
from resonate.context import Context

from ..contracts.cranes import lift as contract
from ..contracts.cranes.lift import Crate
from ..runtime.durable.rpc import serve


@serve(contract.lift, retries=6)
async def lift(ctx: Context, crate: Crate) -> Crate:
    return crate
# file: harbour/cranes/worker.py
"""Group `cranes`: made by hand after the model of `db`."""

from ..runtime.durable.rpc import Registration
from .lift import lift

GROUP = "cranes"  # want: RS102

SERVED: list[Registration] = [lift]
# file: harbour/db/worker.py
from ..runtime.durable.rpc import Registration

GROUP = "db"

SERVED: list[Registration] = []
