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

from fastapi import APIRouter, Header, Request

from ..contracts.workflows.strike import Strike, strike
from ..runtime.engine.client import EngineClient
from ..runtime.http.work import start

router = APIRouter(prefix="/coins")


@router.post("", status_code=202)
async def strike_coins(body: Strike, request: Request, idempotency_key: str | None = Header(None)) -> dict[str, str]:
    started = await start(request.app.state.client, strike, f"strike/{idempotency_key or uuid4()}", body)
    return {"id": started.id}


@router.post("/gold", status_code=202)
async def strike_gold(body: Strike, request: Request) -> dict[str, str]:
    client: EngineClient = request.app.state.client
    number = uuid4()
    await strike.start(client, f"gold/{number}", body)
    return {"location": f"/coins/gold/{number}"}
