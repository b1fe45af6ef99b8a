"""The day, or the minute, is what is meant: whoever asks again gets the same work."""

import time
from datetime import UTC, date, datetime

from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/digest", status_code=202)
async def digest(request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    handle = resonate.options(target="mail").rpc(f"digest/{date.today():%Y-%m-%d}", "digest")
    return {"id": await handle.id()}


@app.post("/backup", status_code=202)
async def backup(request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    hour = datetime.now(UTC).strftime("%Y-%m-%dT%H")
    return {"id": await resonate.options(target="backup").rpc(f"backup/{hour}", "backup").id()}


@app.post("/refresh", status_code=202)
async def refresh(request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    minute = int(time.time() // 60)
    return {"id": await resonate.options(target="backup").rpc(f"refresh/{minute}", "refresh").id()}


@app.post("/close", status_code=202)
async def close(request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    day = datetime.now(UTC).date()
    return {"id": await resonate.options(target="backup").rpc(f"close/{day.isoformat()}", "close").id()}
