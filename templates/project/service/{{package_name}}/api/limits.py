"""No request body over 1 MiB, whether it says its length or not."""

from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import Problem

MAX_BODY = 1024 * 1024

_TOO_LARGE = Problem(413, "body-too-large", f"The body is larger than {MAX_BODY} bytes.")


class BodyLimit:
    """ASGI middleware: 413 by Content-Length before the body is read, else as soon as too much has arrived.

    FastAPI's own `max_body_size` answers in plain text, and every error here is a problem.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if length.isdigit() and int(length) > MAX_BODY:
            await _TOO_LARGE.response()(scope, receive, send)
            return
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                raise _TOO_LARGE
            return message

        async def unless_too_large(message: Message) -> None:
            # What reads the body may turn the exception into an answer of its own.
            if seen <= MAX_BODY:
                await send(message)

        with suppress(Problem):
            await self.app(scope, bounded, unless_too_large)
        if seen > MAX_BODY:
            await _TOO_LARGE.response()(scope, receive, send)
