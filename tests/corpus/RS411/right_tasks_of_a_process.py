"""Tasks that a process starts for itself, at its start and in a worker, are no answers of a route."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from resonate.resonate import Resonate


async def nightly(resonate: Resonate) -> None:
    await resonate.options(target="workers").rpc("nightly/1", "nightly").id()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    resonate = Resonate(url="http://localhost:8001", group="api", sources=[])
    task = asyncio.create_task(nightly(resonate))
    asyncio.create_task(nightly(resonate))
    yield
    await task
    await resonate.stop()


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def index() -> dict[str, bool]:
    return {"ok": True}
