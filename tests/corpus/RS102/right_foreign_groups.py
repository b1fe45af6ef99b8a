# file: clinic/__init__.py
# file: clinic/rpc.py (shared)
# file: clinic/contracts/__init__.py
# file: clinic/contracts/insurers.py
from pydantic import BaseModel

from ..rpc import Rpc


class Claim(BaseModel):
    patient: str
    cents: int


class Cover(BaseModel):
    cents: int


claim = Rpc(name="insurers.claim", group="insurers", request=Claim, result=Cover)
# file: clinic/contracts/workflows.py
from pydantic import BaseModel

from ..rpc import Rpc


class Bill(BaseModel):
    patient: str
    cents: int


class Billed(BaseModel):
    own_share: int


bill = Rpc(name="bill", group="workers", request=Bill, result=Billed)
# file: clinic/workflows/__init__.py
# file: clinic/workflows/worker.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import insurers, workflows
from ..rpc import serve

GROUP = "workers"


async def bill_patient(ctx: Context, request: workflows.Bill) -> workflows.Billed:
    cover = await insurers.claim(ctx, insurers.Claim(patient=request.patient, cents=request.cents))
    own = request.cents - cover.cents
    await ctx.options(target="poll://any@printing", timeout=timedelta(hours=1)).rpc("print.invoice", own)
    return workflows.Billed(own_share=own)


SERVED = [serve(workflows.bill, bill_patient)]
