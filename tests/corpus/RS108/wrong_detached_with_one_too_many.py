# file: club/__init__.py
# file: club/rpc.py (shared)
# file: club/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Join(BaseModel):
    name: str


class Joined(BaseModel):
    number: int


join = Rpc(name="join", group="workers", request=Join, result=Joined)
greet = Rpc(name="greet", group="workers", request=Joined, result=Joined)
# file: club/workflows/__init__.py
# file: club/workflows/worker.py
from resonate.context import Context

from ..contracts import Join, Joined, greet, join
from ..rpc import serve

GROUP = "workers"


async def number_of(ctx: Context, name: str) -> int:
    return len(name)


async def join_club(ctx: Context, request: Join) -> Joined:
    joined = Joined(number=await ctx.run(number_of, name=request.name))
    ctx.detached("greet", joined.model_dump(mode="json"), request.name)  # want: RS108
    return joined


async def greet_member(ctx: Context, request: Joined) -> Joined:
    return request


SERVED = [serve(join, join_club), serve(greet, greet_member)]
