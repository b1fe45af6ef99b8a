# file: parking/__init__.py
# file: parking/rpc.py (shared)
# file: parking/contracts/__init__.py
# file: parking/contracts/workflows.py
from datetime import timedelta

from pydantic import BaseModel

from .. import rpc


class Park(BaseModel):
    plate: str


class Ticket(BaseModel):
    minutes: int


park = rpc.Rpc(name="park", group="workers", request=Park, result=Ticket, timeout=timedelta(hours=1))
fine = rpc.Rpc(name="fine", group="workers", request=Park, result=Ticket)  # want: RS103
# file: parking/workflows/__init__.py
# file: parking/workflows/worker.py
from datetime import timedelta

from resonate.context import Context

from .. import rpc
from ..contracts.workflows import Park, Ticket, park

GROUP = "workers"


async def park_car(ctx: Context, request: Park) -> Ticket:
    await ctx.sleep(timedelta(minutes=30))
    return Ticket(minutes=30)


SERVED = [rpc.serve(park, park_car)]
# file: parking/api/__init__.py
# file: parking/api/starting.py
from typing import Any

from pydantic import BaseModel
from resonate.resonate import Resonate

from ..rpc import Rpc


async def start(resonate: Resonate, contract: Rpc[Any, Any], root: str, request: BaseModel) -> str:
    group = resonate.options(target=contract.group, timeout=contract.timeout, version=contract.version)
    return await group.rpc(root, contract.name, request.model_dump(mode="json")).id()
# file: parking/api/routes.py
from fastapi import APIRouter, Request

from ..contracts.workflows import Park, fine
from .starting import start

router = APIRouter(prefix="/fines")


@router.post("", status_code=202)
async def submit(body: Park, request: Request) -> dict[str, str]:
    return {"id": await start(request.app.state.resonate, fine, f"fine/{body.plate}", body)}
