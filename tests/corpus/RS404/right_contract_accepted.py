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
from typing import Any

from fastapi import APIRouter, Request, Response

from ..contracts.workflows.grind import Grind, grind
from ..runtime.http.work import poll, start

router = APIRouter(prefix="/sacks")


@router.post("/{sack}", status_code=202)
async def grind_sack(sack: int, request: Request, response: Response) -> dict[str, str]:
    started = await start(request.app.state.client, grind, f"sack/{sack}", Grind(sack=sack))
    response.headers["Location"] = f"/sacks/{sack}"
    return {"id": started.id, "status": started.state}


@router.get("/{sack}")
async def get_sack(sack: int, request: Request, response: Response) -> dict[str, Any]:
    record = await poll(request.app.state.client, f"sack/{sack}", request, response)
    return {"status": record.state, "task": str(grind.task(Grind(sack=sack)))}


@router.post("/preview")
async def preview(body: Grind) -> dict[str, Any]:
    """It starts nothing: it only shows what would be started."""
    return {"function": grind.name, "version": grind.version, "sack": body.sack}
