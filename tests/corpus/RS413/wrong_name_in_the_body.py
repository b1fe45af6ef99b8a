from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter(prefix="/jobs")


class Job(BaseModel):
    id: str
    function: str
    arguments: list[Any] = []


@router.post("", status_code=202)
async def create(job: Job, request: Request) -> dict[str, str]:
    client: Resonate = request.app.state.resonate
    handle = client.rpc(f"job/{job.id}", job.function, *job.arguments)  # want: RS413
    return {"id": await handle.id()}
