from typing import Annotated, Literal

from fastapi import APIRouter, Header, HTTPException, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value

from security import verify

router = APIRouter()

MESSAGES = {"damaged": "the goods came damaged", "late": "the goods came too late"}


class Complaint(BaseModel):
    purchase: int
    code: Literal["damaged", "late"]


@router.post("/complaints")
async def complain(complaint: Complaint, request: Request, signature: Annotated[str, Header()]) -> dict[str, str]:
    if not verify(await request.body(), signature):
        raise HTTPException(401)
    resonate: Resonate = request.app.state.resonate
    value = Value(data={"message": MESSAGES[complaint.code]})
    record = await resonate.promises.reject(f"purchase/{complaint.purchase}", value)
    return {"state": record.state}
