from datetime import timedelta

from resonate.resonate import Resonate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route


async def cancel_trip(request: Request) -> JSONResponse:  # want: RS404
    resonate: Resonate = request.app.state.resonate
    trip = request.path_params["trip"]
    handle = resonate.options(target="trips", timeout=timedelta(days=1)).rpc(f"cancel/{trip}", "cancel_trip", trip)
    return JSONResponse({"id": await handle.id()})


trips = [Route("/{trip}", cancel_trip, methods=["DELETE"])]
app = Starlette(routes=[Mount("/trips", routes=trips)])
