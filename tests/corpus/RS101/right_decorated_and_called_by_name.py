# file: bakery/runtime/durable/rpc.py (shared)
# file: bakery/runtime/engine/client.py (shared)
# file: bakery/runtime/service.py (shared)
# file: bakery/__main__.py
from .runtime.service import Service
from .settings import Settings

GROUPS = [
    "workers",
    "ovens",
]

SERVICE = Service(name="bakery", package="bakery", settings=Settings, groups=GROUPS)
# file: bakery/settings.py
class Settings:
    """Nothing of its own."""
# file: bakery/contracts/ovens/bake.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Dough(BaseModel):
    grams: int


class Bread(BaseModel):
    loaves: int


bake = Rpc(name="ovens.bake", group="ovens", request=Dough, result=Bread)
toast = Rpc(name="ovens.toast", group="ovens", request=Bread, result=Bread, version=2)
# file: bakery/ovens/bake.py
from resonate.context import Context

from ..contracts.ovens import bake as contract
from ..contracts.ovens.bake import Bread, Dough
from ..runtime.durable import rpc


@rpc.serve(contract.bake, retries=3)
async def bake(ctx: Context, dough: Dough) -> Bread:
    return Bread(loaves=dough.grams // 500)


@rpc.serve(contract=contract.toast)
async def toast_again(ctx: Context, bread: Bread) -> Bread:
    return bread
# file: bakery/ovens/worker.py
from ..runtime.durable.rpc import Registration
from . import bake

GROUP = "ovens"

SERVED: list[Registration] = [bake.bake]
SERVED.append(bake.toast_again)
# file: bakery/workflows/worker.py
from datetime import timedelta

from pydantic import BaseModel
from resonate.context import Context

from ..runtime.durable.rpc import Registration, Rpc, serve

GROUP = "workers"


class Table(BaseModel):
    guests: int


breakfast = Rpc(name="breakfast", group="workers", request=Table, result=Table)


@serve(breakfast)
async def lay_table(ctx: Context, table: Table) -> Table:
    ovens = ctx.options(target="ovens", timeout=timedelta(minutes=10))
    bread = await ovens.rpc("ovens.bake", {"grams": 500 * table.guests})
    await ctx.options(target="ovens", timeout=timedelta(minutes=1), version=2).rpc("ovens.toast", bread)
    return table


SERVED: list[Registration] = [lay_table]
