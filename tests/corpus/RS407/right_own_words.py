from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value

router = APIRouter(prefix="/listings")


class Report(BaseModel):
    reason: str


async def moderator(request: Request) -> str:
    name = request.app.state.moderators.get(request.headers.get("Authorization"))
    if name is None:
        raise HTTPException(401)
    return name


@router.post("/{listing}/removal")
async def remove(listing: int, report: Report, request: Request, by: Annotated[str, Depends(moderator)]) -> str:
    resonate: Resonate = request.app.state.resonate
    request.app.state.log.info("listing %s removed by %s: %s", listing, by, report.reason)
    record = await resonate.promises.reject(f"listing/{listing}", Value(data={"message": "removed by a moderator"}))
    return record.state
