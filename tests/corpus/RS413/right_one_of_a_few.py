from enum import StrEnum
from typing import Literal

from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


class Kind(StrEnum):
    report = "report"
    export = "export"


@app.post("/run/{kind}/{key}", status_code=202)
async def run(kind: Kind, key: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    return {"id": await resonate.options(target="workers").rpc(f"{kind}/{key}", kind).id()}


@app.post("/again/{kind}/{key}", status_code=202)
async def again(kind: Literal["report", "export"], key: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    return {"id": await resonate.options(target="workers").rpc(f"again/{key}", kind).id()}
