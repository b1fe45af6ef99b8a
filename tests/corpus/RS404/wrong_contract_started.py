# file: mill/runtime/durable/rpc.py (shared)
# file: mill/runtime/engine/client.py (shared)
# file: mill/runtime/http/work.py (shared)
# file: mill/contracts/workflows/grind.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Grind(BaseModel):
    sack: int


grind = Rpc(name="grind", group="workers", request=Grind, result=Grind)
# file: mill/api/sacks.py
from fastapi import APIRouter, Request

from ..contracts.workflows.grind import Grind, grind
from ..runtime.engine.client import EngineClient
from ..runtime.http.work import start

router = APIRouter(prefix="/sacks")


@router.post("/{sack}")
async def grind_sack(sack: int, request: Request) -> dict[str, str]:  # want: RS404
    client: EngineClient = request.app.state.client
    started = await grind.start(client, f"sack/{sack}", Grind(sack=sack))
    return {"id": started.id, "status": started.state}


@router.put("/{sack}/again")
async def grind_again(sack: int, request: Request) -> dict[str, str]:  # want: RS404
    started = await start(request.app.state.client, grind, f"again/{sack}", Grind(sack=sack))
    return {"id": started.id}
