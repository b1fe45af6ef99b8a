"""The console's application, on a port of its own: it shows what the API keeps from its callers, and asks for no API key."""

import asyncio
import logging
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.middleware import Middleware

from ..engine.client import EngineClient
from ..engine.worker import stop
from ..errors import EngineRefused, EngineUnavailable, OperatorError
from ..http.headers import SafeHeaders
from ..http.limits import BodyLimit
from ..http.problems import Problem, ProblemMiddleware, install_handlers
from ..http.protocol import BoundedHttp
from ..http.server import serve
from ..service import API, Service
from ..settings import ServiceSettings, is_loopback, url_of
from .access import Access, Guard
from .files import page_router
from .routes import console_router
from .sources import Sources

logger = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"

type Open = Callable[[], AbstractAsyncContextManager[EngineClient]]
"""Opens the engine's client, for as long as the console runs."""


def access_of(settings: ServiceSettings, host: str) -> Access:
    """Who may use a console that listens at ``host``. Other machines need a token: one is made where none is set.

    Raises:
        OperatorError: CONSOLE_TOKEN could be guessed.
    """
    token = settings.console_token.get_secret_value() if settings.console_token else None
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(32)
    names = settings.allowed_hosts.split(",") if settings.allowed_hosts != "*" else ()
    return Access(frozenset(filter(None, ("localhost", "*.localhost", host.lower(), *names))), token)


def address_of(access: Access, host: str, port: int) -> str:
    """What to open in a browser. The token is behind the ``#``, which no browser sends and so no log has."""
    return url_of(host, port) + (f"/#token={access.token}" if access.token else "")


def create_console(
    service: Service, access: Access, open_client: Open, settings: ServiceSettings | None = None
) -> FastAPI:
    """The application of the console; ``settings``: with the schedules that they add."""

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
        return Problem(409, "refused", f"{_capital(error.problem)}. {error.remedy}").response()

    @app.exception_handler(EngineUnavailable)
    async def engine_unavailable(_: Request, error: EngineUnavailable) -> Response:
        if isinstance(error, EngineRefused):
            return Problem(503, "engine-refused", f"{_capital(str(error))}. Set a good one.").response()
        return Problem(503, "engine-unavailable", f"{_capital(str(error))}. Is the engine running?").response()

    app.include_router(console_router(service, Sources(service), settings), prefix="/api")
    app.include_router(page_router())
    return app


def serve_console(service: Service, settings: ServiceSettings, host: str, say: Callable[[str], None]) -> None:
    """Serve it, with a client of its own, until SIGTERM or SIGINT. ``say`` is given the address to open.

    Raises:
        OperatorError: CONSOLE_TOKEN could be guessed.
    """

    @asynccontextmanager
    async def open_client() -> AsyncIterator[EngineClient]:
        client = service.connect(settings, API, listens=False)
        client.resonate.start()
        try:
            yield client
        finally:
            await stop(client, timedelta(0))

    access = access_of(settings, host)
    app = create_console(service, access, open_client, settings)
    say(address_of(access, host, settings.console_port))
    here = {"host": host, "port": settings.console_port, "shutdown_delay": timedelta(0)}
    serve(app, settings.model_copy(update=here))


@asynccontextmanager
async def console_beside(service: Service, settings: ServiceSettings, client: EngineClient) -> AsyncIterator[None]:
    """Serve it on the loopback address beside something else of this process, whose client it uses.

    Where CONSOLE_PORT is taken a warning says so, and there is none.
    """
    try:
        listener = socket.create_server((_LOOPBACK, settings.console_port))
    except OSError as error:
        logger.warning("no console: port %s is not free (%s)", settings.console_port, error.strerror)
        yield
        return
    app = create_console(service, access_of(settings, _LOOPBACK), lambda: nullcontext(client), settings)
    options: dict[str, Any] = {"ws": "none", "log_config": None, "access_log": False, "timeout_graceful_shutdown": 1}
    server = _ServerBeside(uvicorn.Config(app, http=BoundedHttp, **options))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _ServerBeside(uvicorn.Server):
    """Leaves signals to the server of the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
