import time

from fastapi import APIRouter, Request
from resonate.resonate import Resonate

router = APIRouter()
PREFIX = "report-"


@router.post("/reports", status_code=202)
async def report(month: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    name = PREFIX + str(int(time.time() * 1000))
    return {"id": await resonate.rpc(name, "make_report", month).id()}  # want: RS414
