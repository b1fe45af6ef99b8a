# file: bakery/runtime/durable/rpc.py (shared)
# file: bakery/runtime/engine/client.py (shared)
# file: bakery/contracts/ovens/bake.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Dough(BaseModel):
    grams: int


class Bread(BaseModel):
    loaves: int


bake = Rpc(name="ovens.bake", group="ovens", request=Dough, result=Bread)
# file: bakery/contracts/workflows/breakfast.py
from ...runtime.durable.rpc import Rpc
from ..ovens.bake import Bread, Dough

breakfast = Rpc(name="breakfast", group="workers", request=Dough, result=Bread)
# file: bakery/ovens/bake.py
from resonate.context import Context

from ..contracts.ovens import bake as contract
from ..contracts.ovens.bake import Bread, Dough
from ..runtime.durable.rpc import serve


@serve(contract.bake, retries=3)
async def bake(ctx: Context, dough: Dough) -> Bread:
    return Bread(loaves=dough.grams // 500)
# file: bakery/ovens/worker.py
from ..runtime.durable.rpc import Registration
from .bake import bake

GROUP = "ovens"

SERVED: list[Registration] = [bake]
# file: bakery/workflows/breakfast.py
from datetime import timedelta

from resonate.context import Context

from ..contracts.workflows import breakfast as contract
from ..contracts.ovens.bake import Bread, Dough, bake
from ..runtime.durable.rpc import serve


@serve(contract.breakfast)
async def breakfast(ctx: Context, dough: Dough) -> Bread:
    bread = await bake(ctx, dough)
    ovens = ctx.options(target="ovens", timeout=timedelta(minutes=10))
    await ovens.rpc("ovens.bakes", {"grams": dough.grams})  # want: RS101
    return bread
# file: bakery/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .breakfast import breakfast

GROUP = "workers"

SERVED: list[Registration] = [breakfast]
