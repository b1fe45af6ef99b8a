from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from resonate.resonate import Resonate
from resonate.types import Value

router = APIRouter(prefix="/builds")


async def from_ci(request: Request) -> None:
    if request.headers.get("X-Token") != request.app.state.ci_token:
        raise HTTPException(401)


@router.post("/{build}/failure", dependencies=[Depends(from_ci)])
async def failed(build: int, error: dict[str, Any], request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    record = await resonate.promises.reject(f"build/{build}", Value(data=error))  # want: RS407
    return {"state": record.state}
