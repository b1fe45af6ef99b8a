# file: harbour/runtime/durable/rpc.py (shared)
# file: harbour/runtime/engine/client.py (shared)
# file: harbour/runtime/service.py (shared)
# file: harbour/names.py
CRANES = "cranes"
NIGHT = ["night-watch"]
# file: harbour/__main__.py
from .names import CRANES, NIGHT
from .runtime.service import Service
from .settings import Settings

GROUPS = ["workers", CRANES, *NIGHT]

SERVICE = Service("harbour", "harbour", Settings, GROUPS)
# file: harbour/settings.py
class Settings:
    """Nothing of its own."""
# file: harbour/contracts/cranes.py
from pydantic import BaseModel

from ..names import CRANES
from ..runtime.durable.rpc import Rpc


class Crate(BaseModel):
    tons: float


lift = Rpc(name="cranes.lift", group=CRANES, request=Crate, result=Crate)
watch = Rpc(name="watch", group="night-watch", request=Crate, result=Crate)
weigh = Rpc(name="customs.weigh", group="customs.workers", request=Crate, result=Crate)
# file: harbour/cranes/worker.py
from resonate.context import Context

from ..contracts.cranes import Crate, lift as contract
from ..names import CRANES as GROUP
from ..runtime.durable.rpc import serve


@serve(contract)
async def lift(ctx: Context, crate: Crate) -> Crate:
    return crate


SERVED = [lift]
__all__ = ["GROUP", "SERVED"]
# file: harbour/night_watch/worker.py
from resonate.context import Context

from ..contracts.cranes import Crate, watch as contract, weigh
from ..runtime.durable.rpc import serve

GROUP = "night-watch"


@serve(contract)
async def watch(ctx: Context, crate: Crate) -> Crate:
    return await weigh(ctx, crate)


SERVED = [watch]
# file: harbour/local/worker.py
"""Nobody runs this but a script of somebody's own, which knows its group."""
import os

GROUP = os.environ.get("LOCAL_GROUP", "local")
SERVED = []
