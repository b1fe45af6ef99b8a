from typing import Annotated, Literal

from fastapi import APIRouter, Request, Security
from fastapi.security import APIKeyHeader
from resonate.resonate import Resonate
from resonate.types import Value

router = APIRouter()
key = APIKeyHeader(name="X-Door-Key")


@router.post("/doors/{door}/{act}")
async def operate(door: str, act: Literal["open", "keep"], request: Request, _: Annotated[str, Security(key)]) -> str:
    resonate: Resonate = request.app.state.resonate
    if act == "open":
        await resonate.promises.resolve(f"{door}", Value(data=True))  # want: RS405
    return act
