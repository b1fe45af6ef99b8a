"""The duration is the second argument, as `Gate.wait` of today's runtime has it."""
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


deliver = Rpc(name="deliver", group="workers", request=Letter, result=Signed, timeout=timedelta(days=1))
sort = Rpc(name="sort", group="workers", request=Letter, result=Letter)
receipt = Gate("receipt", Signed)
# file: post/workflows/deliver.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import deliver as contract
from ..contracts.deliver import Letter, Signed
from ..runtime.durable.rpc import serve

PATIENCE = timedelta(weeks=1)


@serve(contract.deliver)
async def deliver(ctx: Context, letter: Letter) -> Signed:
    return await contract.receipt.wait(ctx, PATIENCE)  # want: RS311


@serve(contract.sort)
async def sort(ctx: Context, letter: Letter) -> Letter:
    return letter
# file: post/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .deliver import deliver, sort

GROUP = "workers"

SERVED: list[Registration] = [deliver, sort]
