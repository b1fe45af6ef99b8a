from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from resonate.resonate import Resonate
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

router = APIRouter(prefix="/invoices")


class Base(DeclarativeBase):
    pass


class Invoice(Base):
    __tablename__ = "invoices"

    number: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]


async def get_session(request: Request):
    async with request.app.state.sessions() as session:
        yield session


@router.post("/{number}/dunning", status_code=202)
async def start_dunning(
    number: str, request: Request, session: Annotated[AsyncSession, Depends(get_session)]
) -> dict[str, str]:
    # Reads only: whether it may be dunned is decided here, everything else in the workflow.
    state = await session.scalar(select(Invoice.state).where(Invoice.number == number))
    if state != "overdue":
        raise HTTPException(409, "not overdue")
    resonate: Resonate = request.app.state.resonate
    dunning = resonate.options(target="dunning", timeout=timedelta(days=30))
    return {"id": await dunning.rpc(f"dunning/{number}", "dun", number).id()}
