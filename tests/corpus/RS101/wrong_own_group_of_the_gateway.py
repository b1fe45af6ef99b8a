# file: thumbs/worker.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

BOUNDED = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)


def shrink(ctx: Context, image: str, width: int) -> str:
    return f"{image}?w={width}"


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="workers", retry_policy=BOUNDED)
    client.register(shrink, name="thumbs.shrink")
    await asyncio.Event().wait()

# file: thumbs/web.py
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from pydantic import BaseModel
from resonate.resonate import Resonate


class Image(BaseModel):
    name: str
    width: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="web")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/thumbs", status_code=202)
async def submit(image: Image) -> dict[str, str]:
    """Sent without a target, so to group web, where nothing is registered."""
    patient = app.state.resonate.options(timeout=timedelta(hours=1))
    handle = patient.rpc(f"thumb/{image.name}", "thumbs.shrink", image.name, image.width)  # want: RS101
    return {"id": await handle.id()}
