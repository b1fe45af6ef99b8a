"""The id, log line, metrics and span of one HTTP request."""

import logging
import re
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from time import perf_counter

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import logs, metrics, tracing

logger = logging.getLogger(__name__)

# Orchestrators and Prometheus ask these all the time.
_PROBES = ("/livez", "/readyz", "/metrics")
_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_measured = cache(metrics.REQUESTS.labels)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class RequestTelemetry:
    """ASGI middleware that names, logs, measures and traces each request.

    The id is the client's `X-Request-ID`, else the trace id of its `traceparent`, else a new one. The response has it
    as `X-Request-ID`, and so has every log line and problem of the request. Otherwise it records the route's template and never what was in the path, headers or body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        method = scope["method"] if scope["method"] in _METHODS else "other"
        identity = _id_of(Headers(scope=scope))
        status = 500  # What an exception becomes that nothing below handles.

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                if all(name != b"x-request-id" for name, _ in headers):
                    headers.append((b"x-request-id", identity.encode("latin-1")))
                message = {**message, "headers": headers}
            await send(message)

        with (
            logs.log_context(request_id=identity),
            _span(method, scope) as set_response,
            metrics.ACTIVE_REQUESTS.track_inprogress(),
        ):
            try:
                await self.app(scope, receive, send_and_note)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                duration = perf_counter() - started
                _measured(method, route, status).observe(duration)
                set_response(route, status)
                level = logging.DEBUG if route in _PROBES else logging.INFO
                named = {"method": method, "route": route, "status": status}
                extra = {**named, "duration_ms": round(duration * 1000, 1)}
                logger.log(level, "%(method)s %(route)s %(status)s", named, extra=extra)


def request_id() -> str | None:
    """The id of the current request; None outside of one."""
    known: str | None = logs.from_log_context("request_id")
    return known


def _id_of(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    if _ID.fullmatch(given):
        return given
    trace = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    return trace[1] if trace else secrets.token_hex(16)


def _span(method: str, scope: Scope) -> AbstractContextManager[Callable[[str, int], None]]:
    if scope["path"].removeprefix(scope.get("root_path", "")) in _PROBES:
        return nullcontext(lambda route, status: None)
    return tracing.request_span(method, scope["headers"])
