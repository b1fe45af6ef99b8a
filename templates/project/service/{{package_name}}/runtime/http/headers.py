"""What every response says to browsers and caches, unless its route says something else."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DEFAULTS = {
    "Cache-Control": "no-store",  # Results are the caller's own, and change until the work has ended.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",  # JSON loads nothing, in nobody's frame.
    "X-Content-Type-Options": "nosniff",
}


class SafeHeaders:
    """ASGI middleware: no response is kept by a cache, taken for another type, or framed, unless it says so itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_defaults(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _DEFAULTS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_defaults if scope["type"] == "http" else send)
