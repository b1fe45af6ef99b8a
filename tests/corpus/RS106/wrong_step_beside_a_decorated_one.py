# file: clinic/runtime/durable/rpc.py (shared)
# file: clinic/runtime/engine/client.py (shared)
# file: clinic/contracts/workflows/admit.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Patient(BaseModel):
    name: str


admit = Rpc(name="admit", group="workers", request=Patient, result=Patient)
# file: clinic/workflows/admit.py
from datetime import timedelta

from resonate.context import Context

from ..contracts.workflows import admit as contract
from ..contracts.workflows.admit import Patient
from ..runtime.durable.rpc import serve


@serve(contract.admit)
async def admit(ctx: Context, patient: Patient) -> Patient:
    beds = ctx.options(timeout=timedelta(minutes=5))
    bed = await beds.rpc(find_bed, patient.name)  # want: RS106
    return Patient(name=f"{patient.name}, bed {bed}")


async def find_bed(ctx: Context, name: str) -> int:
    return len(name)
# file: clinic/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .admit import admit

GROUP = "workers"

SERVED: list[Registration] = [admit]
