# file: portal/doors.py
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response


class Doorkeeper(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next) -> Response:
        if request.headers.get("x-key") not in request.app.state.keys:
            return Response(status_code=401)
        return await call_next(request)


# file: portal/api/routes.py
from fastapi import APIRouter, Request
from resonate.resonate import Resonate
from resonate.types import Value

router = APIRouter()


@router.post("/keys/{number}/return")
async def returned(number: int, request: Request) -> None:
    resonate: Resonate = request.app.state.resonate
    await resonate.promises.resolve(f"key/{number}", Value(data=True))


# file: portal/api/main.py
from fastapi import FastAPI

from portal.api.routes import router
from portal.doors import Doorkeeper


def create() -> FastAPI:
    app = FastAPI()
    app.add_middleware(Doorkeeper)
    app.include_router(router)
    return app
