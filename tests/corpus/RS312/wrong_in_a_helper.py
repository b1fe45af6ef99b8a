"""The loop is in a function that the workflow calls as its own code."""
# file: post/runtime/durable/rpc.py (shared)
# file: post/runtime/durable/gate.py (shared)
# file: post/runtime/engine/client.py (shared)
# file: post/contracts/deliver.py
from datetime import timedelta

from pydantic import BaseModel

from ..runtime.durable.gate import Gate
from ..runtime.durable.rpc import Rpc


class Letter(BaseModel):
    to: str


class Signed(BaseModel):
    by: str


deliver = Rpc(name="deliver", group="workers", request=Letter, result=Signed, timeout=timedelta(days=7))
find = Rpc(name="courier.find", group="courier.workers", request=Letter, result=Signed)
receipt = Gate("receipt", Signed)
# file: post/workflows/deliver.py
from resonate.context import Context

from ..contracts import deliver as contract
from ..contracts.deliver import Letter, Signed
from ..runtime.durable.rpc import serve


@serve(contract.deliver)
async def deliver(ctx: Context, letter: Letter) -> Signed:
    return await look_for(ctx, letter)


async def look_for(ctx: Context, letter: Letter) -> Signed:
    while True:  # want: RS312
        found = await ask(ctx, letter)
        if found is not None:
            return found


async def ask(ctx: Context, letter: Letter) -> Signed | None:
    found = await contract.find(ctx, letter)
    return found if found.by else None
# file: post/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .deliver import deliver

GROUP = "workers"

SERVED: list[Registration] = [deliver]
