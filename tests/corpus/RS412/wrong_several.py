from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from resonate.resonate import Resonate

router = APIRouter()


def engine(request: Request) -> Resonate:
    return request.app.state.resonate


@router.get("/tiles")
async def tiles(zoom: Annotated[list[int], Query()], resonate: Annotated[Resonate, Depends(engine)]) -> dict[str, int]:
    handles = [await resonate.get(f"tiles/{level}") for level in zoom]
    ready = sum(handle.done() for handle in handles)  # want: RS412
    return {"ready": ready, "asked": len(handles)}
