"""Who asks: API keys, and the routes that ask for one.

Routes read headers by plain calls (`get_caller`, `get_submission`) rather than by declared parameters and nested
dependencies, which would cost a request as much as all its own work. `openapi` describes the headers.
"""

import asyncio
import hmac
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request, Response
from starlette.datastructures import Headers, State

from ..durable import ids
from ..engine.client import EngineClient
from ..settings import ServiceSettings
from ..telemetry.logs import add_to_log_context
from .problems import Problem, not_found
from .strict_json import JsonRoute


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, and the service that received it. ``name`` is None where the service has no API keys.

    ``root_path`` is the path under which clients see this API: ROOT_PATH, or where the application is mounted.
    """

    client: EngineClient
    settings: ServiceSettings
    name: str | None
    root_path: str = ""

    def shared(self, public: str) -> str:
        """The public id from a path, of work that all callers share; else 404."""
        if not ids.is_shared(public):
            raise not_found()
        return public

    def link(self, path: str) -> str:
        """A path of this API as clients see it, for `Location` and links. ``path`` is percent-encoded already."""
        return quote(self.root_path, safe="/~:@!$&'()*+,;=") + path

    def visible(self, public: str) -> str:
        """The public id from a path, if this caller may see it; else 404, as for one that does not exist."""
        if not ids.is_visible(self.name, public):
            raise not_found()
        return public


class AuthenticatedRoute(JsonRoute):
    """A route that asks for an API key, where the service has any; else 401, before the body is read.

    Its JSON is read strictly (see `strict_json`). `APIRouter(route_class=AuthenticatedRoute)` makes it so for a whole
    router; `get_caller` and `get_submission` need it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def authenticated(request: Request) -> Response:
            request.state.caller = await _authenticate(request, request.app.state)
            return await handle(request)

        return authenticated


def get_caller(request: Request) -> Caller:
    """Who sent a request to an :class:`AuthenticatedRoute`."""
    state = request.app.state
    return Caller(state.client, state.settings, request.state.caller, request.scope.get("root_path", ""))


async def get_client(request: Request) -> EngineClient:
    """The engine client of this process. `async`, because FastAPI sends other dependencies through a thread."""
    client: EngineClient = request.app.state.client
    return client


ClientDep = Annotated[EngineClient, Depends(get_client)]


def bearer_token(headers: Headers) -> bytes:
    """What stands behind `Authorization: Bearer`; empty without it.

    Sent twice it counts as none: a proxy in front of this service may have looked at the other one.
    """
    given = headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    return token.strip().encode(errors="replace") if scheme.lower() == "bearer" else b""


async def _authenticate(request: Request, state: State) -> str | None:
    """The name of the caller whose key the request carries; None where the service has no API keys.

    A refusal's log line has the client's address; an address that offers many wrong keys waits for each answer.
    """
    settings: ServiceSettings = state.settings
    if not settings.callers:
        return None
    offered = bearer_token(request.headers)
    # All keys are compared, each in constant time: the time of the response tells nothing.
    known = [caller for caller, secret in settings.callers if hmac.compare_digest(secret, offered)]
    if not known:
        address = request.client.host if request.client else "unknown"
        add_to_log_context(client=address)
        if offered:
            await asyncio.sleep(state.guesses.pause(address))
        raise Problem(401, "unauthorized", "A valid API key is required: Authorization: Bearer …")
    return known[0]
