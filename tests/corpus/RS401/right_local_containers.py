from datetime import timedelta

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter()


class Batch(BaseModel):
    reference: str
    recipients: list[str]
    headers: dict[str, str] = {}


@router.post("/batches", status_code=202)
async def submit(batch: Batch, request: Request) -> dict[str, object]:
    seen: set[str] = set()
    doubled: list[str] = []
    for recipient in batch.recipients:
        if recipient in seen:
            doubled.append(recipient)
        seen.add(recipient)
    if doubled:
        raise HTTPException(422, f"given twice: {doubled}")
    headers = {"x-origin": "batch"}
    headers.update(batch.headers)
    resonate: Resonate = request.app.state.resonate
    mail = resonate.options(target="mail", timeout=timedelta(hours=4))
    handle = mail.rpc(f"batch/{batch.reference}", "send_batch", batch.recipients, headers)
    return {"id": await handle.id(), "recipients": len(seen)}
