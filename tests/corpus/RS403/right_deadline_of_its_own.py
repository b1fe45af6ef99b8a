import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse
from resonate.handle import ResonateHandle
from resonate.resonate import Resonate

router = APIRouter(prefix="/quotes")


@asynccontextmanager
async def deadline(seconds: float):
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise HTTPException(504) from None


async def outcome(handle: ResonateHandle[Any]) -> Any:
    # Whoever calls this bounds it.
    return await handle.result()


@router.post("/{freight}")
async def quote(freight: int, request: Request) -> dict[str, int]:
    resonate: Resonate = request.app.state.resonate
    prices = resonate.options(target="prices", timeout=timedelta(minutes=1))
    async with deadline(8):
        return {"cents": await outcome(prices.rpc(f"quote/{freight}", "quote", freight))}


@router.get("/{freight}/events")
async def events(freight: int, request: Request) -> StreamingResponse:
    resonate: Resonate = request.app.state.resonate
    handle = await resonate.get(f"quote/{freight}")

    async def stream():
        # A stream of events stays open on purpose.
        yield "event: waiting\n\n"
        yield f"data: {await handle.result()}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream")
