import os
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI, Request
from resonate.resonate import Resonate


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="quotes-api")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/quotes/{number}")
async def quote(number: str, request: Request) -> dict[str, int]:
    insurer = request.app.state.resonate.options(target="insurer", timeout=timedelta(hours=1))
    handle = insurer.rpc(f"quote/{number}", "compute_premium", number)
    return {"premium": await handle.result()}  # want: RS403
