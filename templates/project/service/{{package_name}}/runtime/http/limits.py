"""The bounds of a request body: 1 MiB, and 20 s to arrive; of all that are being read: 32 MiB."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import Problem

MAX_BODY = 1024 * 1024
MAX_BODIES = 32 * MAX_BODY
"""Of all bodies that have been read, in part or whole, for requests that are not answered yet."""
BODY_TIMEOUT = 20.0
"""Seconds."""

# How much of a body that nobody asked for is received before the response, since many clients look for none before they
# have sent it all; and the same of a request without a valid key.
_DISCARDED = 4 * MAX_BODY
_DISCARDED_UNAUTHORIZED = 64 * 1024
_UNAUTHORIZED_TIMEOUT = 1.0


class BodyLimit:
    """ASGI middleware: whoever reads a body gets 413 by its Content-Length, or once too much has arrived; 408 when late.

    What nobody has read when the response begins is received and forgotten, up to 4 MiB, and of a request without a
    valid key (401) only a body that says that it is at most 64 KiB; else the connection is closed after the response.
    Where requests under way hold 32 MiB of bodies, whoever reads more of one gets 503. FastAPI's own `max_body_size` responds in plain text and has no time limit.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.held = 0
        """Bytes of the bodies of requests under way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = _declared(headers)
        now = asyncio.get_running_loop().time
        seen, held, deadline = 0, 0, now() + BODY_TIMEOUT
        arrived = declared == 0
        # Such a client sends its body when it is asked for it, which the first `receive` does.
        waits = "expect" in headers

        async def receive_part(until: float) -> Message:
            nonlocal arrived, seen, waits
            async with asyncio.timeout_at(until):
                message = await receive()
            seen, waits = seen + len(message.get("body", b"")), False
            arrived = not message.get("more_body", False)
            return message

        async def bounded_receive() -> Message:
            nonlocal held
            if arrived:
                return await receive()
            if declared is not None and declared > MAX_BODY:
                raise _too_large()
            try:
                message = await receive_part(deadline)
            except TimeoutError:
                raise Problem(408, "body-too-slow", f"The body did not arrive within {BODY_TIMEOUT:g} s.") from None
            if seen > MAX_BODY:
                raise _too_large()
            size = len(message.get("body", b""))
            if self.held + size > MAX_BODIES:
                detail = "Too many bodies are being received at a time. Try again."
                raise Problem(503, "too-many-bodies", detail, headers={"Retry-After": "5"})
            self.held, held = self.held + size, held + size
            return message

        async def discard(most: int, until: float) -> None:
            """Receive the rest of the body, if it is worth it."""
            while not arrived and not waits and seen <= most and (declared or 0) <= most:
                try:
                    await receive_part(until)
                except TimeoutError:
                    return

        async def send_after_body(message: Message) -> None:
            if message["type"] == "http.response.start" and not arrived:
                if message["status"] != 401:
                    await discard(_DISCARDED, deadline)
                elif declared is not None:
                    await discard(_DISCARDED_UNAUTHORIZED, min(deadline, now() + _UNAUTHORIZED_TIMEOUT))
                if not arrived:
                    message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        try:
            await self.app(scope, bounded_receive, send_after_body)
        finally:
            self.held -= held


def _declared(headers: Headers) -> int | None:
    """The length of the body; None where it comes in chunks."""
    if "transfer-encoding" in headers:
        return None
    length = headers.get("content-length", "0")
    # The server refuses what is no number. Python's own limit on digits is no business of the client's.
    return int(length) if len(length) <= 20 and length.isdigit() else MAX_BODY + 1


def _too_large() -> Problem:
    return Problem(413, "body-too-large", f"The body is larger than {MAX_BODY} bytes.")
