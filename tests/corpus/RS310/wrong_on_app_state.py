"""A web process that also serves functions, so it is a worker too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

SERVER = "http://resonate:8001"


async def stamp(ctx: Context, letter: str) -> str:
    return f"stamped {letter}"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    app.state.resonate = Resonate(url=SERVER, group="post", retry_policy=policy)  # want: RS310
    app.state.resonate.register(stamp)
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/letters/{letter}", status_code=202)
async def send(letter: str, request: Request) -> dict[str, str]:
    handle = request.app.state.resonate.run(f"letter/{letter}", stamp, letter)
    async with asyncio.timeout(5):
        return {"id": await handle.id()}
