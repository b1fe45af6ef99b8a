# file: claims/__init__.py
# file: claims/ids.py
import re

_PUBLIC = re.compile(r"[a-z0-9-]{1,60}")


def gate(public: str) -> str:
    if not _PUBLIC.fullmatch(public):
        raise ValueError(public)
    return f"assess/{public}"


# file: claims/routes.py
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value

from . import ids

router = APIRouter(prefix="/claims")


class Assessment(BaseModel):
    claim: str
    cents: int


async def assessor(request: Request) -> str:
    caller = request.app.state.keys.get(request.headers.get("X-Api-Key"))
    if caller is None:
        raise HTTPException(401)
    return caller


@router.post("/assessments")
async def assess(body: Assessment, request: Request, by: Annotated[str, Depends(assessor)]) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    record = await resonate.promises.resolve(ids.gate(body.claim), Value(data={"cents": body.cents, "by": by}))
    return {"state": record.state}
