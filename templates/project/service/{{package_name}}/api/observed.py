"""Every request, as one log line, its metrics and its span."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import logs, metrics, tracing

logger = logging.getLogger(__name__)

# Whoever runs the service asks these all the time.
_PROBES = ("/livez", "/readyz", "/metrics")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class Observed:
    """ASGI middleware. Of a request it tells the route's template, never what was in its path, headers or body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        method = scope["method"] if scope["method"] in _METHODS else "other"
        status = 500  # What an exception that nobody caught becomes, further out.

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with (
            logs.about(),
            _span(method, scope) as answered,
            metrics.ACTIVE_REQUESTS.track_inprogress(),
        ):
            try:
                await self.app(scope, receive, noting)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                duration = perf_counter() - started
                metrics.REQUESTS.labels(method, route, status).observe(duration)
                answered(route, status)
                level = logging.DEBUG if route in _PROBES else logging.INFO
                said = {"method": method, "route": route, "status": status}
                extra = {**said, "duration_ms": round(duration * 1000, 1)}
                logger.log(level, "%(method)s %(route)s %(status)s", said, extra=extra)


def _span(method: str, scope: Scope) -> AbstractContextManager[Callable[[str, int], None]]:
    if scope["path"] in _PROBES:
        return nullcontext(lambda route, status: None)
    return tracing.request(method, scope["headers"])
