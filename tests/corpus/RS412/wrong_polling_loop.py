import asyncio
import os
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from resonate.resonate import Resonate


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="telescope-api")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


@app.get("/exposures/{exposure}/wait")
async def wait(exposure: int) -> dict[str, str]:
    handle = await app.state.resonate.get(f"exposure/{exposure}")
    for _ in range(20):
        if handle.done():  # want: RS412
            return {"state": "taken"}
        await asyncio.sleep(0.5)
    raise HTTPException(504)
