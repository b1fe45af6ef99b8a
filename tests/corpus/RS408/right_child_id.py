from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value


async def inspector(request: Request) -> None:
    if request.headers.get("X-Badge") not in request.app.state.badges:
        raise HTTPException(401)


router = APIRouter(prefix="/elevators", dependencies=[Depends(inspector)])


class Finding(BaseModel):
    safe: bool


@router.post("/{elevator}/inspection")
async def inspected(elevator: int, finding: Finding, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    # The workflow's first durable call is the promise that it waits on: a child's id, with the colon of the SDK.
    record = await resonate.promises.resolve(f"elevator/{elevator}:1", Value(data={"safe": finding.safe}))
    return {"state": record.state}
