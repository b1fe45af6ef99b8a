"""uvicorn, with bounds on connections that have not sent a request yet."""

import asyncio
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..settings import ServiceSettings
from .problems import MEDIA_TYPE, Problem

HEAD_TIMEOUT = 20.0
"""Seconds."""
MAX_HEAD = 64 * 1024


def serve(app: FastAPI | str, settings: ServiceSettings, **options: Any) -> None:
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
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=int(settings.keep_alive.total_seconds()),
        timeout_graceful_shutdown=max(int(settings.shutdown_grace.total_seconds()), 1),
        **options,
    )


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 that closes a connection when the head of a request takes longer than 20 s, or more than 64 KiB.

    uvicorn itself bounds neither: clients that send nothing, or never end their headers, would stay for ever. (For
    bodies see `limits`.) What is not HTTP gets a problem as well.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _head_size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the first head."""
        super().connection_made(transport)
        self._start_timer()

    def on_message_begin(self) -> None:
        """Start the timer of a further head, if it does not run."""
        super().on_message_begin()
        self._start_timer()

    def on_headers_complete(self) -> None:
        """Stop the timer."""
        self._stop_timer()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Count the bytes of a head."""
        super().data_received(data)
        if self._head_timer is not None:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Respond to what cannot be parsed."""
        body = bytes(Problem(400, "bad-request", msg).response().body)
        head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + head.encode() + body)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        if self._head_timer is None:
            self._head_size = 0
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _raise_file_limit() -> None:
    """Allow this process as many open files as the system lets it have: each connection is one."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limit; macOS refuses some values
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
