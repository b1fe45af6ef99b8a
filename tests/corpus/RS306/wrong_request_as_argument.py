"""The whole request is handed on: neither it nor an upload can be written down."""

from fastapi import FastAPI, Request, UploadFile
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/orders/{order}", status_code=202)
async def place(order: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    handle = resonate.options(target="workers").rpc(f"order/{order}", "place", order, request)  # want: RS306
    return {"id": await handle.id()}


@app.post("/pictures/{picture}", status_code=202)
async def store(picture: str, file: UploadFile, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    handle = resonate.options(target="workers").rpc(f"picture/{picture}", "store", file=file)  # want: RS306
    return {"id": await handle.id()}
