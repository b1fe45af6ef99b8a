from datetime import timedelta
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter(prefix="/tickets")


def get_resonate(request: Request) -> Resonate:
    return request.app.state.resonate


class Ticket(BaseModel):
    number: int
    subject: str


@router.put("/{number}/escalation", status_code=202)
async def escalate(number: int, ticket: Ticket, resonate: Annotated[Resonate, Depends(get_resonate)]) -> dict[str, int]:
    async with httpx.AsyncClient(base_url="https://chat.example.com", timeout=5) as chat:
        await chat.post("/rooms/support/messages", json={"text": ticket.subject})  # want: RS401
    desk = resonate.options(target="desk", timeout=timedelta(hours=8))
    await desk.rpc(f"escalation/{number}", "escalate", number, ticket.subject).id()
    return {"number": number}
