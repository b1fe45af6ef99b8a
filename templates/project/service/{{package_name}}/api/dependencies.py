"""What routes ask for: who asks, under which id, how long to wait.

Dependencies are `async`, all of them: FastAPI sends others through a thread, which costs more than everything they do.
Headers are read here and described in `openapi`, because declared ones cost a request as much again.
"""

import hmac
import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from .. import ids
from ..engine import Engine
from ..settings import Settings
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


async def get_caller(request: Request) -> Caller:
    """Who asks; 401 without a valid API key where the service has any."""
    state = request.app.state
    return Caller(state.engine, state.settings, _authenticate(request, state.settings))


async def get_submission(request: Request) -> Submission:
    """Who asks, and the id of what is asked for; 400 for a key that is none."""
    state = request.app.state
    name = _authenticate(request, state.settings)
    return Submission(state.engine, state.settings, name, ids.public_id(name, _idempotency_key(request)))


async def get_wait(request: Request) -> int | None:
    """The seconds of `Prefer: wait=N` (RFC 7240), at most 25; None without. What is not understood is ignored."""
    match = _PREFER.search(request.headers.get("prefer", ""))
    return min(int(match[1]), MAX_WAIT) if match else None


EngineDep = Annotated[Engine, Depends(get_engine)]
CallerDep = Annotated[Caller, Depends(get_caller)]
SubmissionDep = Annotated[Submission, Depends(get_submission)]
WaitDep = Annotated[int | None, Depends(get_wait)]


def not_found() -> Problem:
    """404 for an id that names nothing, or nothing of the caller's."""
    return Problem(404, "not-found", "There is no such id.")


def _authenticate(request: Request, settings: Settings) -> str | None:
    if not settings.callers:
        return None
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
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
    if len(given) > 1 or not _KEY.fullmatch(key):
        detail = "Idempotency-Key must be given once, and be 1 to 255 printable ASCII characters."
        raise Problem(400, "invalid-idempotency-key", detail)
    return key
