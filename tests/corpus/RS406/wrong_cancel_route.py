import os
from contextlib import asynccontextmanager

from resonate.resonate import Resonate
from resonate.types import Value
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


@asynccontextmanager
async def lifespan(app: Starlette):
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="auctions-api")
    yield
    await app.state.resonate.stop()


async def withdraw(request: Request) -> JSONResponse:  # want: RS406
    lot = int(request.path_params["lot"])
    record = await request.app.state.resonate.promises.cancel(f"auction/{lot}", Value(data="withdrawn"))
    return JSONResponse({"state": record.state})


app = Starlette(lifespan=lifespan, routes=[Route("/lots/{lot:int}", withdraw, methods=["DELETE"])])
