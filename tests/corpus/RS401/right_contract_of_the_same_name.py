# file: crm/runtime/durable/rpc.py (shared)
# file: crm/runtime/engine/client.py (shared)
# file: crm/runtime/http/work.py (shared)
# file: crm/contracts/workflows/merge.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Merge(BaseModel):
    one: str
    other: str


merge = Rpc(name="merge", group="workers", request=Merge, result=Merge)
# file: crm/workflows/merge.py
from datetime import timedelta

from resonate.context import Context

from ..contracts.workflows import merge as contract
from ..contracts.workflows.merge import Merge
from ..runtime.durable.rpc import serve


@serve(contract.merge)
async def merge(ctx: Context, request: Merge) -> Merge:
    await ctx.sleep(timedelta(seconds=1))
    return request
# file: crm/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .merge import merge

GROUP = "workers"

SERVED: list[Registration] = [merge]
# file: crm/api/customers.py
from fastapi import APIRouter, Request

from ..contracts.workflows.merge import Merge, merge
from ..runtime.http.work import start

router = APIRouter(prefix="/customers")


@router.post("/merge", status_code=202)
async def merge_customers(body: Merge, request: Request) -> dict[str, str]:
    started = await start(request.app.state.client, merge, f"merge/{body.one}/{body.other}", body)
    return {"id": started.id}
