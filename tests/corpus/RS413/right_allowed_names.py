from fastapi import FastAPI, HTTPException, Request
from resonate.resonate import Resonate

app = FastAPI()

ALLOWED = {"report", "export"}


@app.post("/run/{name}/{key}", status_code=202)
async def run(name: str, key: str, request: Request) -> dict[str, str]:
    if name not in ALLOWED:
        raise HTTPException(404)
    resonate: Resonate = request.app.state.resonate
    handle = resonate.options(target="workers").rpc(f"{name}/{key}", name)
    return {"id": await handle.id()}
