from fastapi import APIRouter, HTTPException, Request
from resonate.error import ServerError
from resonate.resonate import Resonate

router = APIRouter(prefix="/migrations")


@router.get("/{migration}")
async def status(migration: str, request: Request) -> dict[str, bool]:
    resonate: Resonate = request.app.state.resonate
    try:
        handle = await resonate.get(f"migration/{migration}")
    except ServerError:
        raise HTTPException(404) from None
    return {"done": handle.done()}  # want: RS412
