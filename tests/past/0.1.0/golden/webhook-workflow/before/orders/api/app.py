"""The HTTP application. ROUTERS is everything it serves."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from ..engine import Engine, connect
from ..settings import Settings
from . import openapi, problems
from .limits import BodyLimit
from .observed import Observed
from .routes import health, orders

GROUP = "api"

ROUTERS: list[APIRouter] = [
    health.router,
    orders.router,
]


def connect_api(settings: Settings) -> Engine:
    """The API's client: it sends, and serves nothing."""
    return connect(settings, GROUP)


def create_app(settings: Settings, connect: Callable[[Settings], Engine] = connect_api) -> FastAPI:
    """Build the application. ``connect`` is called once, when it starts; `dev` passes one that runs everything."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.engine = engine = connect(settings)
        try:
            yield
        finally:
            await engine.stop(settings.shutdown_grace)

    app = FastAPI(
        title="orders",
        description="A durable HTTP service on Resonate.",
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.add_middleware(BodyLimit)
    app.add_middleware(Observed)
    problems.install(app)
    openapi.complete(app)
    for router in ROUTERS:
        app.include_router(router)
    return app
