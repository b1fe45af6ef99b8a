import asyncio
from datetime import timedelta

from resonate.resonate import Resonate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def compare(request: Request) -> JSONResponse:
    resonate: Resonate = request.app.state.resonate
    route = request.path_params["route"]
    fares = resonate.options(target="fares", timeout=timedelta(minutes=30))
    handle = fares.rpc(f"fare/{route}", "cheapest_fare", route)
    # The create is bounded, the wait is not.
    async with asyncio.timeout(5):
        await handle.id()
    fare = await handle.result()  # want: RS403
    return JSONResponse({"route": route, "fare": fare})


app = Starlette(routes=[Route("/fares/{route}", compare, methods=["POST"])])
