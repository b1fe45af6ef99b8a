import os
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from resonate.resonate import Resonate


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="dashboard")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


@app.get("/jobs")
async def jobs(state: str = "pending", cursor: str | None = None) -> dict[str, Any]:
    found = await app.state.resonate.promises.search(state, None, 50, cursor)  # want: RS410
    return {"ids": [promise.id for promise in found.promises], "cursor": found.cursor}
