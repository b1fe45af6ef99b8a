from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()

WORKFLOWS = {"report": "reports.make", "export": "exports.make"}


@app.post("/run/{kind}/{key}", status_code=202)
async def run(kind: str, key: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    handle = resonate.options(target="workers").rpc(f"{kind}/{key}", WORKFLOWS[kind])
    return {"id": await handle.id()}
