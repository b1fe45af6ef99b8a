"""`Prefer` (RFC 7240): how long a client waits for the end of work, and whether it would rather poll."""

import re

from fastapi import Request

MAX_WAIT = 25
"""Seconds. Proxies commonly give up on a response after 30."""

_MAX_LENGTH = 1000
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_MEMBER = re.compile(rf'(?:{_QUOTED}|[^",])+')
# A name, a value, and parameters, which none of ours has.
_PREFERENCE = re.compile(rf"\s*({_TOKEN})\s*(?:=\s*({_TOKEN}|{_QUOTED}|)\s*)?(?:;.*)?", re.DOTALL)


def preferences(request: Request) -> dict[str, str]:
    """What a client prefers, by name in lower case; of a name that occurs twice the first.

    It may come in several lines. What is malformed is ignored, as is all of more than 1,000 characters.
    """
    given = ",".join(request.headers.getlist("prefer"))
    found: dict[str, str] = {}
    for member in _MEMBER.findall(given) if len(given) <= _MAX_LENGTH else ():
        if match := _PREFERENCE.fullmatch(member):
            value = match[2] or ""
            if value.startswith('"'):
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            found.setdefault(match[1].lower(), value)
    return found


def preferred_wait(request: Request) -> int | None:
    """The seconds of `wait=N`, at most 25; None without it, or with what is no number."""
    value = preferences(request).get("wait", "")
    return min(int(value), MAX_WAIT) if re.fullmatch("[0-9]{1,9}", value) else None


def prefers_async(request: Request) -> bool:
    """Whether a client asks for a 202 rather than to wait (`respond-async`)."""
    return "respond-async" in preferences(request)
