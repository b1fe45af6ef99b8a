"""The connections to a Resonate server: requests over HTTP, work over server-sent events."""

import asyncio
import logging
import socket
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import lru_cache
from time import time
from typing import Any

import aiohttp
from resonate.connections import HttpConnection, SSEConnection
from resonate.error import ConnectorError
from resonate.retry import ExponentialBackoff

from ..systems import keep_alive
from .clock import EngineClock
from .http_client import Answer, HttpClient

logger = logging.getLogger(__name__)

TRY_TIMEOUT = 10.0
"""Seconds that one try of a request may take; it is tried again, as after any lost connection."""

CONFLICT_PAUSES = (0.01, 0.02, 0.04, 0.08, 0.16)
"""Seconds before each further try of a request that met another one in the server's database."""

_JSON = b"application/json"
_CONFLICT = b"Serialization conflict"


def http_connections(
    url: str, *, group: str, pid: str, token: str | None, clock: EngineClock | None = None
) -> tuple["RetryingHttp", "ReconnectingSSE"]:
    """The connection for requests, and the one on which work for a group arrives."""
    backoff = ExponentialBackoff(initial=0.2, max_delay=5)
    return (
        RetryingHttp(url, auth=token, backoff=backoff, clock=clock),
        ReconnectingSSE(url, pid=pid, group=group, auth=token, backoff=backoff),
    )


class RetryingHttp(HttpConnection):
    """Requests to a Resonate server; one that gets no answer is sent again until it does, or this is stopped.

    The SDK gives a request aiohttp's default total timeout of 300 s, and raises what that raises into the code of a
    workflow. Here each try has :data:`TRY_TIMEOUT`, and a time-out is a lost connection like any other. So is a gateway
    that answers in the engine's place (502, 503 or 504 without JSON). ``clock`` is told the engine's time.

    A server on Postgres refuses one of two requests that make the same promise at the same moment, such as those of equal
    posts, or of an answer that comes while its workflow asks. It has kept nothing of that request, which is sent again,
    once after each of :data:`CONFLICT_PAUSES`.
    """

    def __init__(self, url: str, *, clock: EngineClock | None = None, **options: Any) -> None:
        super().__init__(url, **options)
        self._clock = clock or EngineClock()
        headers = self._auth_headers({"Content-Type": "application/json"})
        self._client = HttpClient(f"{self._url}/", headers, lambda address: keep_alive_socket(address))

    async def stop(self) -> None:
        """End all connections; a request that is under way, or waits for its next try, fails now."""
        await super().stop()
        self._client.close()

    async def send(self, req: str, headers: dict[str, str] | None = None) -> str:
        """What the server answers to a request. ``headers`` are for servers behind a router: HTTP has no place for them.

        Raises:
            ConnectorError: this was stopped, or has not been started and the first try failed.
        """
        attempt, pauses = 0, iter(CONFLICT_PAUSES)
        while not self._stopped:
            try:
                answer = await self._try(req)
            except OSError as error:
                if self._stopped:
                    break
                if not self._running:
                    raise ConnectorError(error) from error
                logger.warning("the engine does not answer, asking again: %s", str(error) or type(error).__name__)
                pause = self._backoff.delay(attempt)
                attempt += 1
            else:
                met_another = answer.status >= 500 and _CONFLICT in answer.body
                again = next(pauses, None) if met_another else None
                if again is None:
                    return answer.body.decode()
                pause = again
            await self._sleep_or_stop(pause)
        raise ConnectorError(RuntimeError("the connection to the engine has been stopped"))

    async def _try(self, req: str) -> Answer:
        sent = time()
        answer = await self._client.post(req.encode(), seconds=TRY_TIMEOUT, connect_seconds=TRY_TIMEOUT / 2)
        if answer.status in (502, 503, 504) and not answer.headers.get(b"content-type", b"").startswith(_JSON):
            raise ConnectionError(f"a gateway answers {answer.status} in its place")
        written = _seconds(answer.headers.get(b"date"))
        if written is not None:
            self._clock.note(written, written + 1, sent=sent, received=time())
        return answer


@lru_cache(maxsize=2)  # Many answers are written in one second.
def _seconds(date: bytes | None) -> float | None:
    """The header `Date` in Unix seconds."""
    try:
        return parsedate_to_datetime(date.decode("latin-1")).timestamp() if date else None
    except ValueError:
        return None


class ReconnectingSSE(SSEConnection):
    """The stream of work from a Resonate server, opened again whenever it ends.

    The SDK opens it with aiohttp's default total timeout of 300 s and does not catch what that raises, so after five
    minutes a worker would receive nothing any more. Here it has no total timeout, is opened again after any error, and
    notices a half-open connection by TCP keep-alive, since the server sends none. ``connected``: whether it is open.

    The server leaves Nagle's algorithm on: it holds a message back until the one before is acknowledged, which Linux
    delays by some 40 ms where nothing is sent back, as here. So each message is acknowledged when it arrives.
    """

    connected = False

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self._socket: socket.socket | None = None
        self.recv(lambda _: self._acknowledge())

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
        transport = resp.connection.transport if resp.connection else None
        self._socket = transport.get_extra_info("socket") if transport else None
        self._acknowledge()
        try:
            await super()._read_stream(resp)
        finally:
            self.connected, self._socket = False, None

    def _acknowledge(self) -> None:
        """Acknowledge at once what has arrived; Linux forgets the option, so it is set for each message."""
        if self._socket is not None and hasattr(socket, "TCP_QUICKACK"):
            with suppress(OSError):  # It has been closed meanwhile.
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

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
    keep_alive(sock)
    return sock
