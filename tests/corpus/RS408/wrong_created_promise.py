import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from resonate.resonate import Resonate
from resonate.types import Value

router = APIRouter()
DAY = 86_400_000


def engine(request: Request) -> Resonate:
    return request.app.state.resonate


@router.post("/visitors/{visitor}/badge", status_code=201)
async def ask_for_badge(visitor: int, resonate: Annotated[Resonate, Depends(engine)]) -> dict[str, str]:
    timeout_at = int(time.time() * 1000) + DAY
    id = "badge:%d" % visitor
    record = await resonate.promises.create(id, timeout_at, Value(data={"visitor": visitor}), {})  # want: RS408
    return {"id": record.id}
