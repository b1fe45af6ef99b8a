# file: mint/runtime/durable/rpc.py (shared)
# file: mint/runtime/engine/client.py (shared)
# file: mint/runtime/http/work.py (shared)
# file: mint/contracts/workflows/strike.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Strike(BaseModel):
    coins: int


strike = Rpc(name="strike", group="workers", request=Strike, result=Strike)
# file: mint/api/coins.py
from uuid import uuid4

from fastapi import APIRouter, Request

from ..contracts.workflows.strike import Strike, strike
from ..runtime.engine.client import EngineClient
from ..runtime.http.work import start

router = APIRouter(prefix="/coins")


@router.post("", status_code=202)
async def strike_coins(body: Strike, request: Request) -> dict[str, str]:
    root = f"strike/{uuid4()}"
    await start(request.app.state.client, strike, root, body)  # want: RS409
    return {"status": "accepted"}


@router.post("/gold", status_code=202)
async def strike_gold(body: Strike, request: Request) -> dict[str, str]:
    client: EngineClient = request.app.state.client
    await strike.start(client, f"gold/{uuid4()}", body)  # want: RS409
    return {"status": "accepted"}
