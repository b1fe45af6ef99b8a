"""What every HTTP application of a service has: bounds, problems, telemetry, health routes."""

import logging
from collections.abc import Iterable, Iterator, Sequence

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from ..settings import ServiceSettings
from ..telemetry.requests import RequestTelemetry
from . import health
from .auth import AuthenticatedRoute
from .docs import install_docs
from .guesses import Guesses
from .headers import SafeHeaders
from .hosts import AllowedHosts
from .limits import BodyLimit
from .methods import HeadAsGet
from .openapi import extend_openapi
from .problems import ProblemMiddleware, install_handlers
from .webhooks import webhooks_of

logger = logging.getLogger(__name__)

RESPONSE_HEADERS = ("Location", "Link", "Idempotent-Replayed", "Preference-Applied", "Retry-After", "X-Request-ID")
"""What clients read of a response beside its body; `expose_headers` of CORS."""


def install(
    app: FastAPI, settings: ServiceSettings, routers: Sequence[APIRouter], middleware: Sequence[Middleware] = ()
) -> None:
    """Include the routers, the health routes, and what holds for all of them.

    ``middleware`` is the owner's, outermost first. Requests have an id, a log line and a bounded body outside of it;
    API keys are asked for inside. A problem that it raises is answered.

    Raises:
        OperatorError: a route takes a webhook, and WEBHOOK_SECRETS has no secret for it, or not one of its scheme.
    """
    routes = list(_routes(routers))
    webhooks = list(dict.fromkeys(webhooks_of(routes)))
    for webhook in webhooks:
        webhook.check_secrets(settings)
    if former := [webhook.name for webhook in webhooks if webhook.uses_former_setting(settings)]:
        wanted = ",".join(f"{name}:<the secret>" for name in former)
        logger.warning(
            "WEBHOOK_SECRET is read in this release for the last time: set WEBHOOK_SECRETS=%s instead", wanted
        )
    app.state.settings = settings
    app.state.guesses = Guesses()
    app.state.reads = None  # The lifespan of `Service.api` opens it, where there are queries.
    app.state.is_open = not settings.callers and any(isinstance(route, AuthenticatedRoute) for route in routes)
    app.root_path = settings.root_path or app.root_path
    # A redirect to the path with or without its last slash loses the body in many clients, and the prefix of a proxy.
    app.router.redirect_slashes = False
    # Outermost first. What one of the owner's raises becomes a problem inside of the one before, whose CORS headers then
    # stand on it.
    problems = Middleware(ProblemMiddleware)
    app.user_middleware[:0] = [
        Middleware(RequestTelemetry),
        Middleware(SafeHeaders),
        Middleware(HeadAsGet, router=app.router),
        problems,
        Middleware(AllowedHosts, settings=settings),
        Middleware(BodyLimit),
        *(each for item in middleware for each in (problems, item)),
        problems,
    ]
    install_handlers(app)
    extend_openapi(app, with_keys=bool(settings.callers))
    for router in (*routers, health.router, *health.metrics_routers(settings)):
        app.include_router(router)
    install_docs(app, settings)  # Behind the others, since routes are tried one after another.


def _routes(routers: Iterable[APIRouter]) -> Iterator[BaseRoute]:
    """All routes, also of routers that include others."""
    for router in routers:
        for route in router.routes:
            included = getattr(route, "original_router", None)
            yield from _routes([included]) if included is not None else [route]
