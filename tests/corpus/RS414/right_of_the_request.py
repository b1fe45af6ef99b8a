import time
from uuid import uuid4

from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/orders/{number}", status_code=202)
async def order(number: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    handle = resonate.options(target="workers").rpc(f"order/{number}", "place_order", number, time.time_ns())
    return {"id": await handle.id()}


@app.post("/attempts/{number}", status_code=202)
async def attempt(number: str, request: Request) -> dict[str, str]:
    """Each attempt is work of its own, on purpose: the clock only tells them apart."""
    resonate: Resonate = request.app.state.resonate
    handle = resonate.options(target="workers").rpc(f"attempt/{number}/{time.time_ns()}", "attempt", number)
    return {"id": await handle.id()}


@app.post("/drafts", status_code=202)
async def draft(request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    work = f"draft/{time.time_ns()}-{uuid4()}"
    return {"id": await resonate.options(target="workers").rpc(work, "draft").id()}
