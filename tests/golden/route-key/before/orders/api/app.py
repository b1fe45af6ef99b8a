"""The HTTP API: ROUTERS is what it serves, beside the health routes of the runtime."""

from fastapi import APIRouter, FastAPI

from ..runtime.http.app import install
from ..runtime.service import Lifespan
from ..settings import Settings

ROUTERS: list[APIRouter] = []


def create_app(settings: Settings, lifespan: Lifespan) -> FastAPI:
    """Build the application. Middleware of your own goes here."""
    app = FastAPI(
        title="orders",
        description="A durable HTTP service on Resonate.",
        lifespan=lifespan,
    )
    install(app, settings, ROUTERS)
    return app
