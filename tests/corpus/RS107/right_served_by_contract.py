# file: mine/__init__.py
# file: mine/rpc.py (shared)
# file: mine/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from .rpc import Rpc


class Shift(BaseModel):
    tunnel: int


class Ore(BaseModel):
    tons: float


dig = Rpc(name="dig", group="workers", request=Shift, result=Ore, timeout=timedelta(hours=1))
lift = Rpc(name="db.lift", group="db", request=Shift, result=Ore)
# file: mine/workflows/__init__.py
# file: mine/workflows/dig.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import Ore, Shift, lift


async def dig(ctx: Context, shift: Shift) -> Ore:
    await rest(ctx)
    tons = await ctx.run(drill, shift.tunnel)
    lifted = await lift(ctx, shift)
    return Ore(tons=tons + lifted.tons)


async def drill(ctx: Context, tunnel: int) -> float:
    return tunnel * 1.5


async def rest(ctx: Context) -> None:
    await ctx.sleep(timedelta(minutes=30))
# file: mine/workflows/worker.py
from .. import contracts
from ..rpc import serve
from . import dig as digging

GROUP = "workers"
SERVED = [serve(contracts.dig, digging.dig)]
# file: mine/db/__init__.py
# file: mine/db/worker.py
from resonate.context import Context

from ..contracts import Ore, Shift, lift
from ..rpc import serve

GROUP = "db"


async def lift_ore(ctx: Context, shift: Shift) -> Ore:
    return Ore(tons=float(shift.tunnel))


SERVED = [serve(contract, function, retries=3) for contract, function in [(lift, lift_ore)]]
