import asyncio
from datetime import timedelta

from resonate.resonate import Resonate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def health(request: Request) -> JSONResponse:
    listener: asyncio.Task[None] = request.app.state.listener
    return JSONResponse({"listening": not listener.done()})


async def guess(request: Request) -> JSONResponse:
    resonate: Resonate = request.app.state.resonate
    riddle = request.path_params["riddle"]
    handle = resonate.options(target="riddles", timeout=timedelta(minutes=1)).rpc(f"riddle/{riddle}", "solve", riddle)
    answering = asyncio.ensure_future(handle.result())
    await asyncio.wait({answering}, timeout=3)
    if answering.done():
        return JSONResponse({"answer": answering.result()})
    answering.cancel()
    return JSONResponse({"id": await handle.id()}, status_code=202)


app = Starlette(routes=[Route("/healthz", health), Route("/riddles/{riddle}", guess, methods=["POST"])])
