import asyncio

from fastapi import APIRouter, Request
from resonate.resonate import Resonate

router = APIRouter()


async def settled(resonate: Resonate, root: str) -> str:
    record = await resonate.promises.get(root)
    while record.state == "pending":  # want: RS403
        await asyncio.sleep(1)
        record = await resonate.promises.get(root)
    return record.state


@router.get("/exports/{export}")
async def export(export: str, request: Request) -> dict[str, str]:
    return {"state": await settled(request.app.state.resonate, f"export/{export}")}
