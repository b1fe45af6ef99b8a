import os
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI, status
from resonate.resonate import Resonate


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="fleet-api")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


@app.put("/vehicles/{vin}/firmware", status_code=status.HTTP_200_OK)
async def roll_out(vin: str, release: str) -> dict[str, str]:  # want: RS404
    fleet = app.state.resonate.options(target="fleet", timeout=timedelta(days=7))
    handle = fleet.rpc(f"firmware/{vin}/{release}", "install_firmware", vin, release)
    rollout = await handle.id()
    return {"rollout": rollout}
