from datetime import timedelta
from uuid import uuid4

from fastapi import APIRouter, Request
from resonate.resonate import Resonate

router = APIRouter(prefix="/statistics")


@router.post("/export", status_code=202)
async def export(request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    statistics = resonate.options(target="statistics", timeout=timedelta(hours=1))
    handle = statistics.rpc(f"export/{uuid4()}", "export_everything")  # want: RS409
    await handle.id()
    return {"status": "accepted"}
