import asyncio
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, HTTPException
from resonate.handle import ResonateHandle
from resonate.resonate import Resonate


async def outcome(handle: ResonateHandle[Any], seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds):
            return await handle.result()
    except TimeoutError:
        raise HTTPException(504, "it runs on") from None


def build(resonate: Resonate) -> FastAPI:
    app = FastAPI()

    @app.get("/solutions/{puzzle}")
    async def solution(puzzle: str) -> dict[str, Any]:
        solver = resonate.options(target="solver", timeout=timedelta(minutes=10))
        return {"solution": await outcome(solver.rpc(f"puzzle/{puzzle}", "solve", puzzle), 20)}

    return app
