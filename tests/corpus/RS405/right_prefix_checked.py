from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from resonate.resonate import Resonate
from resonate.types import Value

router = APIRouter()


async def operator(request: Request) -> str:
    name = request.headers.get("X-Operator", "")
    if name not in request.app.state.operators:
        raise HTTPException(403)
    return name


@router.post("/gates/{gate:path}")
async def open_gate(gate: str, request: Request, by: Annotated[str, Depends(operator)]) -> dict[str, str]:
    if not gate.startswith("gate/"):
        raise HTTPException(404)
    resonate: Resonate = request.app.state.resonate
    record = await resonate.promises.resolve(gate, Value(data={"by": by}))
    return {"state": record.state}
