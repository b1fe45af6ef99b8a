"""Only functions that are registered as public can be reached."""

from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/run/{name}/{key}", status_code=202)
async def run(name: str, key: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    handle = resonate.options(target="workers").rpc(f"{name}/{key}", f"public.{name}")
    return {"id": await handle.id()}
