"""The console's application, on a port of its own: it shows what the API keeps from its callers, and asks for no API key."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI, Request, Response
from starlette.middleware import Middleware

from ..engine.client import EngineClient
from ..engine.worker import stop
from ..errors import EngineRefused, EngineUnavailable, OperatorError
from ..http.headers import SafeHeaders
from ..http.limits import BodyLimit
from ..http.problems import Problem, ProblemMiddleware, install_handlers
from ..http.server import serve
from ..service import API, Service
from ..settings import ServiceSettings, is_loopback, url_of
from .access import Access, Guard
from .files import page_router
from .routes import console_router
from .sources import Sources

type Open = Callable[[], AbstractAsyncContextManager[EngineClient]]
"""Opens the engine's client, for as long as the console runs."""


def access_of(settings: ServiceSettings, host: str, token: str | None) -> Access:
    """Who may use a console that listens at ``host``. Other machines need a token: one is made where none is given.

    Raises:
        OperatorError: the token could be guessed.
    """
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(32)
    names = settings.allowed_hosts.split(",") if settings.allowed_hosts != "*" else ()
    return Access(frozenset(filter(None, ("localhost", "*.localhost", host.lower(), *names))), token)


def address_of(access: Access, host: str, port: int) -> str:
    """What to open in a browser. The token is behind the ``#``, which no browser sends and so no log has."""
    fragment = f"/#token={access.token}" if access.token else ""
    return url_of(host, port) + fragment


def create_console(service: Service, access: Access, open_client: Open) -> FastAPI:
    """The application of the console."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_client() as app.state.client:
            yield

    app = FastAPI(title=f"{service.name} console", lifespan=lifespan, openapi_url=None)
    app.router.redirect_slashes = False
    app.user_middleware[:0] = [
        Middleware(SafeHeaders),
        Middleware(ProblemMiddleware),
        Middleware(Guard, access=access),
        Middleware(BodyLimit),
        Middleware(ProblemMiddleware),
    ]
    install_handlers(app)

    # Whoever reads these runs the service: they are told what its clients are not.
    @app.exception_handler(OperatorError)
    async def operator_error(_: Request, error: OperatorError) -> Response:
        return Problem(409, "refused", f"{error.problem[:1].upper()}{error.problem[1:]}. {error.remedy}").response()

    @app.exception_handler(EngineUnavailable)
    async def engine_unavailable(_: Request, error: EngineUnavailable) -> Response:
        kind = "engine-refused" if isinstance(error, EngineRefused) else "engine-unavailable"
        remedy = "Set a good one." if isinstance(error, EngineRefused) else "What is shown is as it was before."
        return Problem(503, kind, f"{str(error)[:1].upper()}{str(error)[1:]}. {remedy}").response()

    app.include_router(console_router(service, Sources(service)), prefix="/api")
    app.include_router(page_router())
    return app


def client_of(service: Service, settings: ServiceSettings) -> Open:
    """A client of the engine that is used by the console alone, and that waits where the engine is away."""

    @asynccontextmanager
    async def open_client() -> AsyncIterator[EngineClient]:
        client = service.connect(settings, API, listens=False)
        client.resonate.start()
        try:
            yield client
        finally:
            await stop(client, timedelta(0))

    return open_client


def serve_console(
    service: Service,
    settings: ServiceSettings,
    host: str,
    port: int,
    token: str | None,
    say: Callable[[str], None],
) -> None:
    """Serve it until SIGTERM or SIGINT; ``say`` is given the address to open.

    Raises:
        OperatorError: the token could be guessed.
    """
    access = access_of(settings, host, token)
    app = create_console(service, access, client_of(service, settings))
    say(f"console: {address_of(access, host, port)}")
    serve(app, settings.model_copy(update={"host": host, "port": port, "shutdown_delay": timedelta(0)}))
