# file: coins/runtime/durable/rpc.py (shared)
# file: coins/runtime/engine/client.py (shared)
# file: coins/contracts/workers/photograph.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Photograph(BaseModel):
    year: int


class Photo(BaseModel):
    url: str


photograph = Rpc(name="photograph", group="workers", request=Photograph, result=Photo)
# file: coins/workflows/photograph.py
"""The runtime of a generated service runs a plain function in a thread."""

import time

import requests
from resonate.context import Context

from ..contracts.workers import photograph as contract
from ..contracts.workers.photograph import Photo, Photograph
from ..runtime.durable.rpc import serve


def shoot(ctx: Context, year: int) -> str:
    time.sleep(1)
    return requests.get(f"https://camera.internal/{year}", timeout=5).text


@serve(contract.photograph, retries=3)
async def photograph(ctx: Context, request: Photograph) -> Photo:
    return Photo(url=await ctx.run(shoot, request.year))
# file: coins/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .photograph import photograph

GROUP = "workers"

SERVED: list[Registration] = [photograph]
