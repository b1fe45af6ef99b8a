from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from resonate.resonate import Resonate
from sqlalchemy import Column, MetaData, String, Table, delete
from sqlalchemy.ext.asyncio import AsyncSession

router = APIRouter(prefix="/exports")
exports = Table("exports", MetaData(), Column("id", String))


@router.get("/{export}")
async def read(export: int, request: Request):
    resonate: Resonate = request.app.state.resonate
    record = await resonate.promises.get(f"export/{export}")
    if record.state == "pending":
        return JSONResponse({"state": "running"}, 202)
    handle = await resonate.get(f"export/{export}")
    return {"result": await handle.result()}


@router.post("/{export}/cleanup", status_code=202)
async def clean(export: int, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    statement = exports.delete().where(exports.c.id == str(export))
    print(statement)
    jobs = resonate.options(target="jobs", timeout=timedelta(hours=1))
    return {"id": await jobs.rpc(f"cleanup/{export}", "clean", str(statement)).id()}
