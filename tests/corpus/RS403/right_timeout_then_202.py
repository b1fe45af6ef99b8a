import asyncio
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from resonate.resonate import Resonate

router = APIRouter(prefix="/summaries")


@router.post("/{document}")
async def summarise(document: str, request: Request, response: Response) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    summaries = resonate.options(target="summaries", timeout=timedelta(hours=1))
    handle = summaries.rpc(f"summary/{document}", "summarise", document)
    try:
        async with asyncio.timeout(10):
            await handle.id()
            return {"status": "done", "summary": await handle.result()}
    except TimeoutError:
        response.status_code = 202
        return {"status": "running", "poll": f"/summaries/{document}"}
