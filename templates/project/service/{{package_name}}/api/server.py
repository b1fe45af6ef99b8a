"""uvicorn, with bounds on what a connection holds before it has asked for anything."""

import asyncio
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..settings import Settings
from .problems import MEDIA_TYPE, Problem

HEAD_WITHIN = 20.0
"""Seconds."""
MAX_HEAD = 64 * 1024


def run(app: FastAPI | str, settings: Settings, **options: Any) -> None:
    """Serve until SIGTERM or SIGINT. ``app`` may be an import path, as `uvicorn.run` takes it."""
    _raise_file_limit()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        http=BoundedHttp,
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=max(int(settings.shutdown_grace.total_seconds()), 1),
        **options,
    )


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 whose connections are closed when no request's head has come in 20 s, or one is larger than 64 KiB.

    uvicorn itself bounds neither: clients that say nothing, or never end their headers, would stay for ever. (For
    bodies see `limits`.) What is no HTTP is answered with a problem as well.
    """

    _late: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect the first head."""
        super().connection_made(transport)
        self._expect_head()

    def on_message_begin(self) -> None:
        """Expect the rest of a head."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """It has come."""
        self._expect_nothing()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head."""
        super().data_received(data)
        if self._late is not None:
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed."""
        body = bytes(Problem(400, "bad-request", msg).response().body)
        head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + head.encode() + body)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect no more."""
        self._expect_nothing()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self._late is None:
            self._head = 0
            self._late = self.loop.call_later(HEAD_WITHIN, self.transport.close)

    def _expect_nothing(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def _raise_file_limit() -> None:
    """Allow this process as many open files as it may have: each connection is one, and 1,024 are soon used up."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limit; macOS refuses some values
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
