"""The connections to a Resonate server: requests over HTTP, work over server-sent events."""

import asyncio
import logging
import socket
from typing import Any

import aiohttp
from resonate.connections import HttpConnection, SSEConnection
from resonate.retry import ExponentialBackoff

logger = logging.getLogger(__name__)


def http_connections(url: str, *, group: str, pid: str, token: str | None) -> tuple[HttpConnection, "ReconnectingSSE"]:
    """The connection for requests, and the one on which work for a group arrives."""
    backoff = ExponentialBackoff(initial=0.2, max_delay=5)
    return (
        HttpConnection(url, auth=token, backoff=backoff),
        ReconnectingSSE(url, pid=pid, group=group, auth=token, backoff=backoff),
    )


class ReconnectingSSE(SSEConnection):
    """The stream of work from a Resonate server, opened again whenever it ends.

    The SDK opens it with aiohttp's default total timeout of 300 s and does not catch what that raises, so after five
    minutes a worker would receive nothing any more. Here it has no total timeout, is opened again after any error, and
    notices a half-open connection by TCP keep-alive, since the server sends none. ``connected``: whether it is open.
    """

    connected = False

    async def pause(self) -> None:
        """Close it and keep it closed, until :meth:`resume`: the engine sends this process no work."""
        handle, self._sse_handle = self._sse_handle, None
        if handle is not None:
            handle.cancel()
            await asyncio.gather(handle, return_exceptions=True)

    def resume(self) -> None:
        """Open it again."""
        if self._running and self._sse_handle is None:
            self._sse_handle = asyncio.create_task(self._sse_loop())

    def _ensure_session(self) -> aiohttp.ClientSession:
        if self._session is None and not self._stopped:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                connector=aiohttp.TCPConnector(socket_factory=keep_alive_socket),
            )
        return super()._ensure_session()

    async def _read_stream(self, resp: aiohttp.ClientResponse) -> None:
        self.connected = True
        try:
            await super()._read_stream(resp)
        finally:
            self.connected = False

    async def _sse_loop(self) -> None:
        while self._running:
            try:
                await super()._sse_loop()
                return
            except Exception:
                logger.exception("stream of work broke: opening it again")
                await asyncio.sleep(1)


def keep_alive_socket(address: tuple[Any, ...]) -> socket.socket:
    """A TCP socket that notices within a minute that the other side is gone."""
    family, kind, protocol, _, _ = address
    sock = socket.socket(family=family, type=kind, proto=protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
    return sock
