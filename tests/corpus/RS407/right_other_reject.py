from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter()


class Promises:
    """Pledges of donors: nothing to do with the engine's promises."""

    def __init__(self) -> None:
        self.refused: dict[int, str] = {}

    async def reject(self, id: int, reason: str) -> None:
        self.refused[id] = reason


class Campaign:
    def __init__(self, promises: Promises) -> None:
        self.promises = promises


class Refusal(BaseModel):
    reason: str


def campaign(request: Request) -> Campaign:
    return request.app.state.campaign


@router.post("/pledges/{pledge}/refusal", status_code=202)
async def refuse(
    pledge: int, body: Refusal, request: Request, running: Annotated[Campaign, Depends(campaign)]
) -> dict[str, str]:
    await running.promises.reject(pledge, body.reason)
    resonate: Resonate = request.app.state.resonate
    letters = resonate.options(target="letters", timeout=timedelta(days=1))
    return {"id": await letters.rpc(f"refusal/{pledge}", "write_letter", pledge, body.reason).id()}
