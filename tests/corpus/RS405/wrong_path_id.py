from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value


async def verified(request: Request) -> None:
    if request.headers.get("X-Api-Key") != request.app.state.settings.api_key:
        raise HTTPException(401)


router = APIRouter(prefix="/approvals", dependencies=[Depends(verified)])


class Decision(BaseModel):
    approved: bool


@router.post("/{promise_id:path}")
async def decide(promise_id: str, decision: Decision, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    value = Value(data={"approved": decision.approved})
    record = await resonate.promises.resolve(promise_id, value)  # want: RS405
    return {"state": record.state}
