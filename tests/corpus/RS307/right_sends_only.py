"""A gateway registers nothing. What it registers elsewhere are callbacks of other libraries."""

import asyncio
import atexit
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from resonate.resonate import Resonate


class Plugins:
    def __init__(self) -> None:
        self.names: list[str] = []

    def register(self, name: str) -> None:
        self.names.append(name)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.resonate = Resonate(url="http://localhost:8001", group="web", sources=[])
    app.state.plugins = Plugins()
    app.state.plugins.register("metrics")
    atexit.register(print, "gateway ends")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/renders/{scene}", status_code=202)
async def render(scene: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    handle = resonate.options(target="farm").rpc(f"render/{scene}", "farm.render", scene)
    async with asyncio.timeout(5):
        return {"id": await handle.id()}
