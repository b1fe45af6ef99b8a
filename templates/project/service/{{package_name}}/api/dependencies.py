"""What routes ask for: who asks, under which id, how long to wait.

Headers are read here and described in `openapi`, and what a route needs it asks for by a plain call: declared headers
and nested dependencies cost a request as much as all its own work. The dependencies that there are must be `async`:
FastAPI sends others through a thread, which costs more still.
"""

import hmac
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from .. import ids
from ..engine import Engine
from ..settings import Settings
from .bodies import JsonRequest
from .problems import Problem

MAX_WAIT = 25
"""Seconds. Proxies commonly give up on an answer after 30."""

_PREFER = re.compile(r"\bwait\s*=\s*\"?([0-9]{1,6})\b")
_QUOTED_KEY = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_KEY = re.compile(r"[ -~]{1,255}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and of which service. ``name`` is None where the service has no API keys."""

    engine: Engine
    settings: Settings
    name: str | None

    def visible(self, public: str) -> str:
        """The id from a path, if this caller may see it; else 404, as for one that does not exist."""
        if not ids.visible_to(self.name, public):
            raise not_found()
        return public


@dataclass(frozen=True, slots=True)
class Submission(Caller):
    """Work that is asked for. ``public`` is the id that the caller and its `Idempotency-Key` give it, or a new one."""

    public: str


async def get_engine(request: Request) -> Engine:
    """The engine's client of this process."""
    engine: Engine = request.app.state.engine
    return engine


EngineDep = Annotated[Engine, Depends(get_engine)]


class ForCallers(APIRoute):
    """A route for whoever has an API key, where the service has any: otherwise 401, before the body is even read.

    Its JSON is read strictly (see `bodies`). `APIRouter(route_class=ForCallers)` makes it so for a whole router;
    `caller_of` and `submission_of` need it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def authenticated(request: Request) -> Response:
            request.state.caller = _authenticate(request, request.app.state.settings)
            return await handle(JsonRequest(request.scope, request.receive))

        return authenticated


def caller_of(request: Request) -> Caller:
    """Who asks."""
    state = request.app.state
    return Caller(state.engine, state.settings, request.state.caller)


def submission_of(request: Request, key: Literal["required", "optional", "none"] = "optional") -> Submission:
    """Who asks, and the id of what is asked for; 400 for a key that is none, or missing where it is required.

    ``key`` "none" does not look at `Idempotency-Key`: each request is new work.
    """
    state, name = request.app.state, request.state.caller
    given = None if key == "none" else _idempotency_key(request)
    if given is None and key == "required":
        raise Problem(400, "idempotency-key-required", "This request needs an Idempotency-Key, which names the work.")
    return Submission(state.engine, state.settings, name, ids.public_id(name, given))


def preferred_wait(request: Request) -> int | None:
    """The seconds of `Prefer: wait=N` (RFC 7240), at most 25; None without. What is not understood is ignored."""
    match = _PREFER.search(request.headers.get("prefer", ""))
    return min(int(match[1]), MAX_WAIT) if match else None


def not_found() -> Problem:
    """404 for an id that names nothing, or nothing of the caller's."""
    return Problem(404, "not-found", "There is no such id.")


def _authenticate(request: Request, settings: Settings) -> str | None:
    if not settings.callers:
        return None
    given = request.headers.getlist("authorization")
    # Sent twice it counts as none: what stands before this service may have looked at the other one.
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    offered = token.strip().encode(errors="replace") if scheme.lower() == "bearer" else b""
    # All keys are compared, each in constant time: an answer's time tells nothing.
    known = [caller for caller, secret in settings.callers.items() if hmac.compare_digest(secret, offered)]
    if not known:
        headers = {"WWW-Authenticate": "Bearer"}
        raise Problem(401, "unauthorized", "A valid API key is required: Authorization: Bearer …", headers=headers)
    return known[0]


def _idempotency_key(request: Request) -> str | None:
    """The key, without the quotes of the draft's structured form."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    quoted = _QUOTED_KEY.fullmatch(given[0])
    key = re.sub(r'\\(["\\])', r"\1", quoted[1]) if quoted else given[0]
    if len(given) > 1 or not key or not _KEY.fullmatch(given[0]):
        detail = "Idempotency-Key must be given once, and be 1 to 255 printable ASCII characters."
        raise Problem(400, "invalid-idempotency-key", detail)
    return key
