import asyncio
from datetime import timedelta

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel
from resonate.error import ResonateError
from resonate.resonate import Resonate

router = APIRouter()


class Fleet(BaseModel):
    ships: list[str]


@router.post("/departures", status_code=202)
async def depart(fleet: Fleet, request: Request) -> dict[str, list[str]]:
    resonate: Resonate = request.app.state.resonate
    harbour = resonate.options(target="harbour", timeout=timedelta(days=1))
    handles = [harbour.rpc(f"departure/{ship}", "depart", ship) for ship in fleet.ships]
    try:
        async with asyncio.timeout(10):
            return {"departures": await asyncio.gather(*(handle.id() for handle in handles))}
    except (TimeoutError, ResonateError):
        raise HTTPException(503, "the engine does not answer; ask again") from None
