from datetime import timedelta

from fastapi import APIRouter, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter(prefix="/recordings")


class Recording(BaseModel):
    key: str
    url: str


@router.post("")
async def transcribe(recording: Recording, request: Request) -> dict[str, str]:  # want: RS404
    resonate: Resonate = request.app.state.resonate
    speech = resonate.options(target="speech", timeout=timedelta(hours=6))
    handle = speech.rpc(f"recording/{recording.key}", "transcribe", recording.url)
    return {"id": await handle.id(), "status": "running"}
