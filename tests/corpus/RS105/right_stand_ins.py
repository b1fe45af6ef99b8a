# file: tours/__init__.py
# file: tours/rpc.py (shared)
# file: tours/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Tour(BaseModel):
    city: str


class Guide(BaseModel):
    name: str


find_guide = Rpc(name="guides.find", group="guides", request=Tour, result=Guide)
pay_guide = Rpc(name="payments.pay", group="payments", request=Guide, result=Guide)
plan = Rpc(name="plan", group="workers", request=Tour, result=Guide)
# file: tours/fakes/__init__.py
# file: tours/fakes/worker.py
from resonate.context import Context

from ..contracts import Guide, Tour, find_guide, pay_guide
from ..rpc import Served, serve


async def somebody(ctx: Context, tour: Tour) -> Guide:
    return Guide(name=f"Ann of {tour.city}")


async def paid(ctx: Context, guide: Guide) -> Guide:
    return guide


SERVED: list[Served] = [serve(find_guide, somebody), serve(pay_guide, paid)]


async def run(group: str) -> list[Served]:
    return [entry for entry in SERVED if entry.contract.group == group]
# file: tours/workflows/__init__.py
# file: tours/workflows/worker.py
from resonate.context import Context

from ..contracts import Guide, Tour, find_guide, pay_guide, plan
from ..rpc import Served, serve

GROUP = "workers"


async def plan_tour(ctx: Context, tour: Tour) -> Guide:
    guide = await find_guide(ctx, tour)
    return await pay_guide(ctx, guide)


SERVED: list[Served] = [serve(plan, plan_tour)]
