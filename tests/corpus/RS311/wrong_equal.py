"""The wait ends with the run: what follows it never runs."""
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


@serve(contract.deliver)
async def deliver(ctx: Context, letter: Letter) -> Signed:
    await ctx.sleep(timedelta(hours=24))  # want: RS311
    return Signed(by=letter.to)


@serve(contract.sort)
async def sort(ctx: Context, letter: Letter) -> Letter:
    return letter
# file: post/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .deliver import deliver, sort

GROUP = "workers"

SERVED: list[Registration] = [deliver, sort]
