import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from resonate import resonate as engine


class Export(BaseModel):
    table: str
    format: str = "csv"


client = engine.Resonate(  # want: RS110
    url=os.environ.get("RESONATE_URL", "http://localhost:8001"),
    group="exports-web",
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await client.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/exports", status_code=202)
async def export(body: Export) -> dict[str, Any]:
    exporters = client.options(target="exporters", timeout=timedelta(hours=1))
    handle = exporters.rpc(f"export/{body.table}", "export", body.table, body.format)
    return {"id": await handle.id()}
