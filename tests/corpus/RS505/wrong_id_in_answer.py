"""The start is confirmed as it should be; the answer carries a bound method in place of the id."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI, Request, Response
from resonate.resonate import Resonate


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.resonate = Resonate(url="http://localhost:8001", group="web")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/rides/{rider}", status_code=202)
async def order(rider: str, request: Request, response: Response) -> dict[str, str]:
    rides = request.app.state.resonate.options(target="rides", timeout=timedelta(hours=2))
    handle = rides.rpc(f"ride/{rider}", "rides.order", rider)
    await handle.id()
    response.headers["Location"] = f"/rides/{handle.promise_id}"  # want: RS505
    return {"id": handle.id}  # want: RS505
