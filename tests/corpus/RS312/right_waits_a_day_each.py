"""Seven rounds fit into the deadline."""
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
from datetime import timedelta

from resonate.context import Context

from ..contracts import deliver as contract
from ..contracts.deliver import Letter, Signed
from ..runtime.durable.rpc import serve


@serve(contract.deliver)
async def deliver(ctx: Context, letter: Letter) -> Signed:
    while True:
        found = await contract.find(ctx, letter)
        if found.by:
            return found
        await ctx.sleep(timedelta(days=1))
# file: post/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .deliver import deliver

GROUP = "workers"

SERVED: list[Registration] = [deliver]
