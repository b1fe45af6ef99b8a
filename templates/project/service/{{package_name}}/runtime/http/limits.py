"""The bounds of a request body: 1 MiB, and 20 s to arrive."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import Problem

MAX_BODY = 1024 * 1024
BODY_TIMEOUT = 20.0
"""Seconds."""


class BodyLimit:
    """ASGI middleware: 413 by Content-Length before the body is read, or once too much has arrived; 408 when late.

    FastAPI's own `max_body_size` responds in plain text and has no time limit.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        seen, deadline = 0, asyncio.get_running_loop().time() + BODY_TIMEOUT
        arrived = length == b"0" and b"transfer-encoding" not in headers

        async def receive_part() -> Message:
            nonlocal arrived
            async with asyncio.timeout_at(deadline):
                message = await receive()
            arrived = not message.get("more_body", False)
            return message

        async def bounded_receive() -> Message:
            nonlocal seen
            if arrived:
                return await receive()
            try:
                message = await receive_part()
            except TimeoutError:
                raise Problem(408, "body-too-slow", f"The body did not arrive within {BODY_TIMEOUT:g} s.") from None
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                raise _too_large()
            return message

        async def send_after_body(message: Message) -> None:
            """Send, after reading the rest of the body: many clients look for no response before they have sent it.

            Past the deadline the connection is closed: a body without end would hold it for ever.
            """
            if message["type"] == "http.response.start" and not arrived:
                try:
                    while not arrived:
                        await receive_part()
                except TimeoutError:
                    message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        if length.isdigit() and (len(length) > 20 or int(length) > MAX_BODY):
            await _too_large().response()(scope, receive, send_after_body)
        else:
            await self.app(scope, bounded_receive, send_after_body)


def _too_large() -> Problem:
    return Problem(413, "body-too-large", f"The body is larger than {MAX_BODY} bytes.")
