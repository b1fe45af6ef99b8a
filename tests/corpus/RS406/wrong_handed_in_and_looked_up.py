# file: depot/__init__.py
# file: depot/store.py
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import HTTPException
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

sessions = async_sessionmaker(create_async_engine("sqlite+aiosqlite:///depot.db"))


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


@dataclass
class Page:
    limit: int = 10


@dataclass
class Crate:
    id: int
    state: str


async def crate_of(number: int, using: AsyncSession) -> Crate:
    """That it is there says nothing of who asks."""
    crate = await using.get(Crate, number)
    if crate is None or crate.state == "gone":
        raise HTTPException(404)
    return crate


# file: depot/routes.py
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from resonate.resonate import Resonate
from resonate.types import Value
from sqlalchemy.ext.asyncio import AsyncSession

from depot.store import Page, crate_of, session

router = APIRouter()
Opened = Annotated[AsyncSession, Depends(session)]


@router.post("/crates/{number}/released")
async def released(number: int, request: Request, using: Opened, page: Annotated[Page, Depends()]) -> None:  # want: RS406
    resonate: Resonate = request.app.state.resonate
    crate = await crate_of(number, using)
    trace = request.headers.get("X-Request-Id", "")
    await resonate.promises.resolve(f"crate/{crate.id}", Value(data={"trace": trace, "limit": page.limit}))
