"""The log line, metrics and span of one HTTP request."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import logs, metrics, tracing

logger = logging.getLogger(__name__)

# Orchestrators and Prometheus ask these all the time.
_PROBES = ("/livez", "/readyz", "/metrics")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class RequestTelemetry:
    """ASGI middleware that logs, measures and traces each request.

    It records the route's template and never what was in the path, headers or body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        method = scope["method"] if scope["method"] in _METHODS else "other"
        status = 500  # What an exception becomes that nothing below handles.

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with (
            logs.log_context(),
            _span(method, scope) as set_response,
            metrics.ACTIVE_REQUESTS.track_inprogress(),
        ):
            try:
                await self.app(scope, receive, send_and_note)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                duration = perf_counter() - started
                metrics.REQUESTS.labels(method, route, status).observe(duration)
                set_response(route, status)
                level = logging.DEBUG if route in _PROBES else logging.INFO
                named = {"method": method, "route": route, "status": status}
                extra = {**named, "duration_ms": round(duration * 1000, 1)}
                logger.log(level, "%(method)s %(route)s %(status)s", named, extra=extra)


def _span(method: str, scope: Scope) -> AbstractContextManager[Callable[[str, int], None]]:
    if scope["path"] in _PROBES:
        return nullcontext(lambda route, status: None)
    return tracing.request_span(method, scope["headers"])
