from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Security
from fastapi.security import HTTPBearer
from resonate.resonate import Resonate
from resonate.types import Value

bearer = HTTPBearer()
router = APIRouter(prefix="/drills", dependencies=[Security(bearer)])


def engine(request: Request) -> Resonate:
    return request.app.state.resonate


@router.delete("/{drill}")
async def call_off(
    drill: int, why: Annotated[str, Query(max_length=200)], resonate: Annotated[Resonate, Depends(engine)]
) -> dict[str, str]:
    words = why.strip() or "called off"
    record = await resonate.promises.reject(f"drill/{drill}", Value(data=words))  # want: RS407
    return {"state": record.state}
