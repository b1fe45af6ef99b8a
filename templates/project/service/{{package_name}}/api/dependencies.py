"""What routes ask for: the engine, the settings, the caller, the idempotency key, the wait that is preferred."""

import hmac
import re
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from .. import ids
from ..engine import Engine
from ..settings import Settings
from .problems import Problem

MAX_WAIT = 25
"""Seconds. Proxies commonly give up on an answer after 30."""

_PREFER = re.compile(r"\bwait\s*=\s*\"?([0-9]{1,6})\b")
_QUOTED_KEY = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


def get_engine(request: Request) -> Engine:
    """The engine's client of this process."""
    engine: Engine = request.app.state.engine
    return engine


def get_settings(request: Request) -> Settings:
    """The settings of this process."""
    settings: Settings = request.app.state.settings
    return settings


_bearer = HTTPBearer(auto_error=False, description="An API key, where the service has any (API_KEYS).")


def get_caller(
    settings: Annotated[Settings, Depends(get_settings)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str | None:
    """Who asks: None where the service has no API keys, else the caller whose key it is; otherwise 401."""
    if not settings.callers:
        return None
    offered = credentials.credentials.encode(errors="replace") if credentials else b""
    # All keys are compared, each in constant time: an answer's time tells nothing.
    known = [caller for caller, secret in settings.callers.items() if hmac.compare_digest(secret, offered)]
    if not known:
        headers = {"WWW-Authenticate": "Bearer"}
        raise Problem(401, "unauthorized", "A valid API key is required: Authorization: Bearer …", headers=headers)
    return known[0]


def get_idempotency_key(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Names the work: the same key with the same request is the same work, whenever it is sent. "
            "1 to 255 printable ASCII characters.",
            examples=["order-4711"],
        ),
    ] = None,
) -> str | None:
    """The key, without the quotes of the draft's structured form; 400 for one that is none."""
    if idempotency_key is None:
        return None
    key = idempotency_key
    if quoted := _QUOTED_KEY.fullmatch(key):
        key = re.sub(r'\\(["\\])', r"\1", quoted[1])
    printable = all(" " <= character <= "~" for character in key)
    if not (1 <= len(key) <= 255 and printable and len(request.headers.getlist("idempotency-key")) == 1):
        detail = "Idempotency-Key must be given once, and be 1 to 255 printable ASCII characters."
        raise Problem(400, "invalid-idempotency-key", detail)
    return key


def get_wait(
    prefer: Annotated[
        str | None,
        Header(description=f"`wait=N`: wait up to N seconds (at most {MAX_WAIT}) for the end.", examples=["wait=10"]),
    ] = None,
) -> int | None:
    """The seconds of `Prefer: wait=N` (RFC 7240), at most 25; None without. What is not understood is ignored."""
    match = _PREFER.search(prefer) if prefer else None
    return min(int(match[1]), MAX_WAIT) if match else None


def visible(caller: str | None, public_id: str) -> str:
    """The id from a path, if this caller may see it; else 404, as for one that does not exist."""
    if not ids.visible_to(caller, public_id):
        raise not_found()
    return public_id


def not_found() -> Problem:
    """404 for an id that names nothing, or nothing of the caller's."""
    return Problem(404, "not-found", "There is no such id.")


EngineDep = Annotated[Engine, Depends(get_engine)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
CallerDep = Annotated[str | None, Depends(get_caller)]
KeyDep = Annotated[str | None, Depends(get_idempotency_key)]
WaitDep = Annotated[int | None, Depends(get_wait)]
