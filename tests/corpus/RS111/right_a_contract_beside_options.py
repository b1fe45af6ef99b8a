# file: canal/__init__.py
# file: canal/rpc.py (shared)
# file: canal/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from .rpc import Rpc


class Boat(BaseModel):
    name: str


class Passed(BaseModel):
    locks: int


pass_lock = Rpc(name="locks.pass", group="locks", request=Boat, result=Passed, timeout=timedelta(hours=3))
travel = Rpc(name="travel", group="workers", request=Boat, result=Passed)
# file: canal/workflows/__init__.py
# file: canal/workflows/worker.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import Boat, Passed, pass_lock, travel
from ..rpc import serve

GROUP = "workers"


async def wash(ctx: Context, name: str) -> str:
    return f"clean {name}"


async def travel_canal(ctx: Context, boat: Boat) -> Passed:
    """A contract sets options of its own, on whatever context it is given: nothing of ours was meant for it."""
    first = await pass_lock(ctx, boat)
    quick = ctx.options(timeout=timedelta(minutes=5))
    await quick.run(wash, boat.name)
    ctx = ctx.options(timeout=timedelta(hours=1))
    await ctx.run(wash, boat.name)
    second = await pass_lock(ctx, boat)
    return Passed(locks=first.locks + second.locks)


SERVED = [serve(travel, travel_canal)]
