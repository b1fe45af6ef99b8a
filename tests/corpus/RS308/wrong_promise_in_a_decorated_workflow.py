# file: post/runtime/durable/rpc.py (shared)
# file: post/runtime/engine/client.py (shared)
# file: post/contracts/workflows/deliver.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Letter(BaseModel):
    to: str


deliver = Rpc(name="deliver", group="workers", request=Letter, result=Letter)
# file: post/workflows/deliver.py
from resonate.context import Context

from ..contracts.workflows import deliver as contract
from ..contracts.workflows.deliver import Letter
from ..runtime.durable.rpc import serve


@serve(contract.deliver)
async def deliver(ctx: Context, letter: Letter) -> Letter:
    await ctx.promise()  # want: RS308
    await ctx.options(target="trams").rpc("trams.send", letter.model_dump(mode="json"))  # want: RS308
    return letter
# file: post/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .deliver import deliver

GROUP = "workers"

SERVED: list[Registration] = [deliver]
