# file: jobs/flows.py
from resonate.context import Context


async def render(ctx: Context, document: str) -> str:
    return f"{document}.pdf"


async def print_job(ctx: Context, document: str) -> dict[str, str]:
    job = ctx.info.id.removeprefix("print/")
    path = await ctx.run(render, document)
    return {"job": job, "path": path}
# file: jobs/app.py
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from resonate.resonate import Resonate
from resonate.retry import Constant

from jobs.flows import print_job


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    client = Resonate(url="http://localhost:8001", group="printing", retry_policy=Constant(delay=2, max_retries=4))
    client.register(print_job)
    app.state.resonate = client
    yield
    await client.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/print/{document}", status_code=202)
async def submit(document: str, request: Request) -> dict[str, str]:
    job = str(uuid.uuid4())
    handle = request.app.state.resonate.run(f"print/{job}", print_job, document)
    await handle.id()
    return {"job": job}
