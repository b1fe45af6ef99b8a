"""Who may use the console: whoever reaches a port of this machine alone, else who has the token.

A page of somebody else's in the operator's browser reaches both. So each request has to name this server (`Host`) and come
from a page of this server (`Origin`); and the routes take nothing but JSON, which no foreign form can send.
"""

import asyncio
import hmac
import logging
import re
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import OperatorError
from ..http.auth import bearer_token
from ..http.guesses import Guesses
from ..http.problems import Problem
from ..settings import is_allowed_host

logger = logging.getLogger(__name__)

_TOKEN = re.compile(r"[!-~]{20,}")
_SAME_SITE = (None, "same-origin", "none")


@dataclass(frozen=True, slots=True)
class Access:
    """``hosts`` are the names by which requests may call the console, beside IP addresses; ``token``: what they need.

    Raises:
        OperatorError: the token could be guessed, or is no header's value.
    """

    hosts: frozenset[str]
    token: str | None = None

    def __post_init__(self) -> None:
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise OperatorError(
                "the console's token could be guessed: it has to be 20 printable ASCII characters or more, without spaces",
                "Leave it out: then one is made, and printed.",
            )


class Guard:
    """ASGI middleware: refuses what :class:`Access` does not allow, before anything is read.

    The page itself needs no token, since a browser sends none with a link; what it shows it asks for below `/api/`.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self._access = access
        self._guesses = Guesses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            self._check_host(headers)
            self._check_origin(headers)
            if scope["path"].startswith("/api/"):
                await self._check_token(scope, headers)
        await self.app(scope, receive, send)

    def _check_host(self, headers: Headers) -> None:
        given = headers.getlist("host")
        if not given or not is_allowed_host(given, self._access.hosts):
            raise Problem(421, "host-not-allowed", "The console does not answer to this Host: see ALLOWED_HOSTS.")

    def _check_origin(self, headers: Headers) -> None:
        origins = headers.getlist("origin")
        is_own = all(origin.partition("://")[2] == headers["host"] for origin in origins)
        if not is_own or len(origins) > 1 or headers.get("sec-fetch-site") not in _SAME_SITE:
            # A link from another page opens the console, and brings no `Origin`.
            is_link = not origins and headers.get("sec-fetch-mode") == "navigate"
            if not is_link:
                raise Problem(403, "foreign-origin", "The console answers to no page but its own.")

    async def _check_token(self, scope: Scope, headers: Headers) -> None:
        if self._access.token is None:
            return
        offered = bearer_token(headers)
        if hmac.compare_digest(offered, self._access.token.encode()):
            return
        if offered:
            client = scope.get("client")
            address = client[0] if client else "unknown"
            logger.warning("a request to the console had a wrong token", extra={"client": address})
            await asyncio.sleep(self._guesses.pause(address))
        raise Problem(
            401, "unauthorized", "The console asks for its token: it printed an address with it when it started."
        )
