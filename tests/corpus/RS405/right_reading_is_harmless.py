from typing import Any

from resonate.error import ServerError
from resonate.resonate import Resonate
from resonate.types import Value
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def state(request: Request) -> JSONResponse:
    resonate: Resonate = request.app.state.resonate
    try:
        record = await resonate.promises.get(request.path_params["id"])
    except ServerError:
        return JSONResponse({"error": "unknown"}, status_code=404)
    return JSONResponse({"state": record.state})


async def release(resonate: Resonate, promise: str, cargo: dict[str, Any]) -> None:
    """What a consumer of the harbour's queue calls: no route, and its ids come from our own workflows."""
    await resonate.promises.resolve(promise, Value(data=cargo))


app = Starlette(routes=[Route("/work/{id:path}", state)])
