import asyncio
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from resonate.resonate import Resonate


class Accepted(JSONResponse):
    def __init__(self, content: Any) -> None:
        super().__init__(content, status_code=202)


def running(id: str) -> JSONResponse:
    return JSONResponse({"id": id}, 202)


def accept(answer: Response, path: str) -> None:
    answer.status_code = 202
    answer.headers["Location"] = path


def build(resonate: Resonate) -> FastAPI:
    app = FastAPI()
    farm = resonate.options(target="farm", timeout=timedelta(minutes=10))

    @app.post("/fields/{field}/irrigation")
    async def irrigate(field: int) -> Accepted:
        return Accepted({"id": await farm.rpc(f"irrigation/{field}", "irrigate", field).id()})

    @app.post("/fields/{field}/harvest")
    async def harvest(field: int):
        return running(await farm.rpc(f"harvest/{field}", "harvest", field).id())

    @app.post("/fields/{field}/seeds")
    async def seed(field: int, answer: Response) -> dict[str, int]:
        await asyncio.wait_for(farm.rpc(f"seeds/{field}", "seed", field).id(), 5)
        accept(answer, f"/fields/{field}")
        return {"field": field}

    @app.post("/fields/{field}/soil")
    async def probe(field: int) -> dict[str, str]:
        id = await farm.rpc(f"soil/{field}", "probe_soil", field).id()
        async with asyncio.timeout(10):
            while (record := await resonate.promises.get(id)).state == "pending":
                await asyncio.sleep(0.5)
        return {"state": record.state}

    @app.post("/forms/fence")
    async def fence(request: Request) -> RedirectResponse:
        form = await request.form()
        await farm.rpc(f"fence/{form['field']}", "mend_fence", form["field"]).id()
        return RedirectResponse("/fences")

    return app
