# file: api.py
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from resonate.resonate import Resonate


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.resonate = Resonate(url="http://localhost:8001", group="api", sources=[])
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/exports/{export}", status_code=202)
async def start_export(export: str, request: Request) -> dict[str, str]:
    gateway = request.app.state.resonate.options(target="exports")
    handle = gateway.rpc(f"export/{export}", "export.run", export)
    async with asyncio.timeout(5):
        return {"id": await handle.id()}


@app.get("/exports/{export}")
async def show_export(export: str, request: Request) -> dict[str, str]:
    record = await request.app.state.resonate.promises.get(f"export/{export}")
    for _ in range(20):
        if record.state != "pending":
            break
        time.sleep(0.5)  # want: RS304
        record = await request.app.state.resonate.promises.get(f"export/{export}")
    return {"id": export, "state": record.state}
