"""The token that an engine asks for, and what it covers: as a Resonate server does, but for the signature.

The token is a text that both sides know. Where it is a JWT, its claims count: ``exp``, and ``prefix`` unless ``role``
is ``admin``: with a prefix, only ids that begin with it can be used, and nothing can be searched for.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any

import msgspec

from resonate_scaffold.devserver.protocol import Refused

_NAMED_OTHERWISE = {
    "promise.register_callback": ("awaited",),
    "promise.register_listener": ("awaited",),
    "schedule.create": ("promiseId",),
    "task.create": ("action", "data", "id"),
}


class Token:
    """One token. `text` must not be empty."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        claims = _claims(text)
        expires, role, prefix = claims.get("exp"), claims.get("role"), claims.get("prefix")
        self._expires_at = expires * 1000 if isinstance(expires, int) else None
        is_admin = not claims or (isinstance(role, str) and role.lower() == "admin")
        #: None where it covers nothing.
        self._prefix = "" if is_admin else prefix if isinstance(prefix, str) else None

    def check(self, given: str | None, now: int) -> None:
        """Refused (401) where another token is given, or this one has expired at `now` (ms)."""
        matches = given is not None and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._text)
        if not matches or (self._expires_at is not None and now >= self._expires_at):
            raise Refused(401, "Unauthorized")

    def check_prefix(self, kind: str, data: msgspec.Raw) -> None:
        """Refused (403) where a request is about what the token does not cover."""
        if self._prefix == "":
            return
        if self._prefix is None or not all(id.startswith(self._prefix) for id in _ids(kind, data)):
            raise Refused(403, "Forbidden")


def _ids(kind: str, data: msgspec.Raw) -> list[str]:
    """The ids that a request names; of a search, one that no prefix covers."""
    if kind.endswith(".search"):
        return [""]
    named: Any = msgspec.json.decode(data)
    if kind == "task.heartbeat":
        tasks = named.get("tasks")
        ids = [task.get("id") for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []
    else:
        for key in _NAMED_OTHERWISE.get(kind, ("id",)):
            named = named.get(key) if isinstance(named, dict) else None
        ids = [named]
    return [id for id in ids if isinstance(id, str)]


def _claims(text: str) -> dict[str, Any]:
    """What a JWT says; nothing where the token is none."""
    try:
        _, middle, _ = text.split(".")
        claims = msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (ValueError, binascii.Error, msgspec.DecodeError, UnicodeError):
        return {}
    return claims if isinstance(claims, dict) else {}
