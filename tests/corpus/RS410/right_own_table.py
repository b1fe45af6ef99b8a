from typing import Annotated

from fastapi import APIRouter, Depends, Request
from resonate.resonate import Resonate
from sqlalchemy import Column, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

router = APIRouter()
jobs = Table("jobs", MetaData(), Column("id", String, primary_key=True), Column("owner", String))


async def reading(request: Request):
    async with request.app.state.db.connect() as connection:
        yield connection


@router.get("/owners/{owner}/jobs")
async def of_owner(
    owner: str, request: Request, connection: Annotated[AsyncConnection, Depends(reading)]
) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    ids = (await connection.scalars(select(jobs.c.id).where(jobs.c.owner == owner).limit(20))).all()
    return {id: (await resonate.promises.get(f"job/{id}")).state for id in ids}
