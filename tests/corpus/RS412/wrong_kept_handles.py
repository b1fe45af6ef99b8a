from typing import Any

from resonate.handle import ResonateHandle
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def progress(request: Request) -> JSONResponse:
    handles: dict[str, ResonateHandle[Any]] = request.app.state.handles
    handle: ResonateHandle[Any] | None = handles.get(request.path_params["batch"])
    if handle is None:
        return JSONResponse({"error": "unknown"}, status_code=404)
    finished = handle.done()  # want: RS412
    return JSONResponse({"finished": finished})


app = Starlette(routes=[Route("/batches/{batch}", progress)])
