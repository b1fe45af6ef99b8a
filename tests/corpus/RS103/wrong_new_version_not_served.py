# file: tax/__init__.py
# file: tax/rpc.py (shared)
# file: tax/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from .rpc import Rpc


class Return(BaseModel):
    person: str
    year: int


class Assessed(BaseModel):
    cents: int


assess = Rpc(name="assess", group="workers", request=Return, result=Assessed, timeout=timedelta(days=30))
assess_2 = Rpc(name="assess", group="workers", request=Return, result=Assessed, version=2)  # want: RS103
# file: tax/workflows/__init__.py
# file: tax/workflows/assess.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import Assessed, Return


async def assess(ctx: Context, request: Return) -> Assessed:
    await ctx.sleep(timedelta(days=1))
    return Assessed(cents=request.year)
# file: tax/workflows/worker.py
from .. import contracts
from ..rpc import serve
from .assess import assess

GROUP = "workers"

SERVED = [serve(contracts.assess, assess)]
