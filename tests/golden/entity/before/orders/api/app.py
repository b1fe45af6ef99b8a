"""The HTTP API: ROUTERS is what it serves, beside the health routes of the runtime."""

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from ..runtime.http.app import install
from ..runtime.service import Lifespan
from ..settings import Settings

ROUTERS: list[APIRouter] = []

# Of your own, outermost first, such as CORS or a rate limit. It may raise `Problem` of runtime/http/problems.py.
MIDDLEWARE: list[Middleware] = []


def create_app(settings: Settings, lifespan: Lifespan) -> FastAPI:
    """Build the application."""
    app = FastAPI(
        title="orders",
        description="A durable HTTP service on Resonate.",
        lifespan=lifespan,
        # FastAPI's own spans hold query strings; the runtime's do not.
        telemetry={"tracing": False, "logs": False},
    )
    install(app, settings, ROUTERS, MIDDLEWARE)
    return app
