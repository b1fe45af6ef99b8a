import time

from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/orders", status_code=202)
async def order(sku: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    key = f"order/{time.time_ns()}"
    handle = resonate.options(target="workers").rpc(key, "place_order", sku)  # want: RS414
    return {"id": await handle.id()}
