"""What every response says to browsers and caches, unless its route says something else."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DEFAULTS = (
    (b"cache-control", b"no-store"),  # Results are the caller's own, and change until the work has ended.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),  # JSON loads nothing, in nobody's frame.
    (b"x-content-type-options", b"nosniff"),
)


class SafeHeaders:
    """ASGI middleware: no response is kept by a cache, taken for another type, or framed, unless it says so itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_defaults(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                given = {name for name, _ in headers}
                headers += [header for header in _DEFAULTS if header[0] not in given]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, send_with_defaults if scope["type"] == "http" else send)
