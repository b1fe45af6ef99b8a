# file: ferry/runtime/durable/rpc.py (shared)
# file: ferry/runtime/engine/client.py (shared)
# file: ferry/contracts/workflows/sail.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Sail(BaseModel):
    ship: str


class Sailed(BaseModel):
    hour: int


sail = Rpc(name="sail", group="workers", request=Sail, result=Sailed)
load = Rpc(name="dock.load", group="dock", request=Sail, result=Sailed)
# file: ferry/workflows/sail.py
from datetime import UTC, datetime

from resonate.context import Context

from ..contracts.workflows import sail as contract
from ..contracts.workflows.sail import Sail, Sailed
from ..runtime.durable.rpc import serve


@serve(contract.sail)
async def sail(ctx: Context, request: Sail) -> Sailed:
    if datetime.now(UTC).hour < 20:  # want: RS201
        await contract.load(ctx, request)
    return await ctx.run(leave, request.ship)


async def leave(ctx: Context, ship: str) -> Sailed:
    return Sailed(hour=datetime.now(UTC).hour)
# file: ferry/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .sail import sail

GROUP = "workers"

SERVED: list[Registration] = [sail]
