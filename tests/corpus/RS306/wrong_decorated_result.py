# file: lab/runtime/durable/rpc.py (shared)
# file: lab/runtime/engine/client.py (shared)
# file: lab/contracts/db/samples.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Sample(BaseModel):
    number: int


read_sample = Rpc(name="db.read_sample", group="db", request=Sample, result=Sample)
# file: lab/db/samples.py
from typing import Any

from resonate.context import Context

from ..contracts.db import samples as contract
from ..contracts.db.samples import Sample
from ..runtime.durable.rpc import serve


@serve(contract.read_sample, retries=6)
async def read_sample(ctx: Context, sample: Sample) -> Any:
    return (Sample(number=it) for it in range(sample.number))  # want: RS306
# file: lab/db/worker.py
from ..runtime.durable.rpc import Registration
from .samples import read_sample

GROUP = "db"

SERVED: list[Registration] = [read_sample]
