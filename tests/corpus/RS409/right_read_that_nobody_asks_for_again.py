import asyncio
import uuid
from datetime import timedelta

from fastapi import APIRouter, HTTPException, Request
from resonate.resonate import Resonate

router = APIRouter(prefix="/stock")


@router.get("/{sku}")
async def stock(sku: str, request: Request) -> dict[str, int]:
    # The result is the answer: the id has done its work.
    resonate: Resonate = request.app.state.resonate
    shelves = resonate.options(target="shelves", timeout=timedelta(seconds=20))
    try:
        async with asyncio.timeout(10):
            return {"left": await shelves.rpc(f"stock/{uuid.uuid4()}", "count_stock", sku).result()}
    except TimeoutError:
        raise HTTPException(504) from None
