"""What every HTTP application of a service has: bounds, problems, telemetry, health routes."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI

from ..settings import ServiceSettings
from ..telemetry.requests import RequestTelemetry
from . import health
from .limits import BodyLimit
from .openapi import extend_openapi
from .problems import install_handlers
from .webhooks import webhooks_of


def install(app: FastAPI, settings: ServiceSettings, routers: Sequence[APIRouter]) -> None:
    """Include the routers, the health routes, and what holds for all of them.

    Raises:
        OperatorError: a route takes a webhook, and WEBHOOK_SECRETS has no secret for it, or not one of its scheme.
    """
    for webhook in webhooks_of(route for router in routers for route in router.routes):
        webhook.check_secrets(settings)
    app.state.settings = settings
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestTelemetry)
    install_handlers(app)
    extend_openapi(app, with_keys=bool(settings.api_keys))
    for router in (*routers, health.router):
        app.include_router(router)
