"""Which names a request may call this service by: the guard against web pages that rebind their own name to it.

A browser lets a page at `http://evil.example` ask whatever that name leads to. Its owner can let it lead to 127.0.0.1 a
moment later; the request still says `Host: evil.example`.
"""

import logging

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..settings import ServiceSettings, is_allowed_host
from .problems import Problem

logger = logging.getLogger(__name__)


class AllowedHosts:
    """ASGI middleware: 421 for a request whose `Host` is none of ALLOWED_HOSTS.

    An IP address is always good, since no page's name is one: probes and proxies that ask by address need no setting.
    Without a `Host` no browser has asked. Starlette's own middleware responds in plain text, and refuses addresses.
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self.app = app
        self._hosts = settings.hosts
        self._said: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_allowed_host(given := Headers(scope=scope).getlist("host"), self._hosts):
            self._say(", ".join(given))
            raise Problem(421, "host-not-allowed", "This service does not answer to this Host: see ALLOWED_HOSTS.")
        await self.app(scope, receive, send)

    def _say(self, host: str) -> None:
        """Name each once, and not more than a few: whoever asks chooses them."""
        if host not in self._said and len(self._said) < 20:
            self._said.add(host)
            logger.warning("requests for a Host that is not in ALLOWED_HOSTS are refused", extra={"host": host[:255]})
