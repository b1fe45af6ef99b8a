# file: approvals/service.py
from dataclasses import dataclass
from typing import Any

from resonate.resonate import Resonate
from resonate.types import PromiseRecord, Value


@dataclass
class Approvals:
    resonate: Resonate

    async def settle(self, promise_id: str, data: Any) -> PromiseRecord:
        return await self.resonate.promises.resolve(promise_id, Value(data=data))


# file: approvals/api.py
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Security
from fastapi.security import APIKeyHeader
from pydantic import BaseModel

from approvals.service import Approvals

router = APIRouter(prefix="/approvals", dependencies=[Security(APIKeyHeader(name="X-Key"))])


class Body(BaseModel):
    promise: str
    approved: bool


def approvals(request: Request) -> Approvals:
    return Approvals(request.app.state.resonate)


@router.post("")
async def approve(body: Body, service: Annotated[Approvals, Depends(approvals)]) -> dict[str, str]:
    record = await service.settle(body.promise, {"approved": body.approved})  # want: RS405
    return {"state": record.state}


@router.post("/{number}")
async def approve_number(number: int, service: Annotated[Approvals, Depends(approvals)]) -> dict[str, str]:
    record = await service.settle(f"approval/{number}", {"approved": True})
    return {"state": record.state}
