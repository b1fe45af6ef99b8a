from fastapi import APIRouter, HTTPException, Request, Security
from fastapi.security import APIKeyHeader
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value
from sqlalchemy.ext.asyncio import AsyncSession

from shop.models import Waiting

router = APIRouter(dependencies=[Security(APIKeyHeader(name="X-Key"))])


class Answer(BaseModel):
    wait: str
    yes: bool


@router.post("/answers")
async def answer(body: Answer, request: Request) -> None:
    session: AsyncSession = request.state.session
    if await session.get(Waiting, body.wait) is None:
        raise HTTPException(404)
    resonate: Resonate = request.app.state.resonate
    await resonate.promises.resolve(body.wait, Value(data=body.yes))


@router.post("/waits/{wait}")
async def known(wait: str, request: Request) -> None:
    waits: dict[str, str] = request.app.state.waits
    if waits.get(wait) is None:
        raise HTTPException(404)
    resonate: Resonate = request.app.state.resonate
    await resonate.promises.resolve(wait, Value(data=True))
