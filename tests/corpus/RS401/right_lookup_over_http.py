from datetime import timedelta

import httpx
from resonate.resonate import Resonate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def start_transfer(request: Request) -> JSONResponse:
    resonate: Resonate = request.app.state.resonate
    wanted = await request.json()
    async with httpx.AsyncClient(base_url="https://rates.example.com", timeout=3) as rates:
        found = await rates.get("/latest", params={"from": wanted["from"], "to": wanted["to"]})
    if found.status_code != 200:
        return JSONResponse({"error": "no such pair"}, status_code=422)
    bank = resonate.options(target="bank", timeout=timedelta(days=2))
    handle = bank.rpc(f"transfer/{wanted['reference']}", "transfer", wanted["cents"], found.json()["rate"])
    return JSONResponse({"id": await handle.id()}, status_code=202)


app = Starlette(routes=[Route("/transfers", start_transfer, methods=["POST"])])
