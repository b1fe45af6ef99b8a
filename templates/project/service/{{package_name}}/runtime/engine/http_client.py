"""An HTTP/1.1 client for one address: it sends bodies and reads answers, on connections that stay open.

The parser is httptools, as in uvicorn. For these requests, of which a worker makes hundreds a second, aiohttp takes four
times the CPU: it builds cookies, redirects, traces and timers for each that nobody here uses.
"""

import asyncio
import ssl
from base64 import b64encode
from collections import deque
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote, urlsplit

import httptools
from aiohappyeyeballs import start_connection
from aiohappyeyeballs.types import SocketFactoryType

_MOST_CONNECTIONS = 256
_MOST_IDLE = 15.0  # Seconds; then something on the way may have forgotten the connection.


@dataclass(slots=True)
class Answer:
    """What a server answered; the names of headers are in lower case."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


class HttpClient:
    """Posts to one URL. ``headers`` are sent with each request."""

    def __init__(self, url: str, headers: dict[str, str], socket_factory: SocketFactoryType) -> None:
        parts = urlsplit(url)
        self._is_secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if self._is_secure else 80)
        credentials, _, host = parts.netloc.rpartition("@")
        if credentials:
            headers = {"Authorization": f"Basic {b64encode(unquote(credentials).encode()).decode()}", **headers}
        lines = [f"POST {parts.path or '/'} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._head = "\r\n".join([*lines, "Content-Length: "]).encode()
        self._socket_factory = socket_factory
        self._places = asyncio.Semaphore(_MOST_CONNECTIONS)
        self._idle: deque[_Connection] = deque()
        self._open: set[_Connection] = set()
        self._context: ssl.SSLContext | None = None
        self._is_closed = False

    async def post(self, body: bytes, *, seconds: float, connect_seconds: float) -> Answer:
        """What the server answers.

        Raises:
            OSError: it cannot be reached, or ended the connection; TimeoutError: it took more than ``seconds``.
        """
        async with self._places, asyncio.timeout(seconds):
            connection = self._take() or await self._connect(connect_seconds)
            try:
                answer = await connection.ask(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
            except BaseException:
                connection.transport.abort()
                raise
        if connection.stays_open and not self._is_closed:
            connection.idle_since = connection.loop.time()
            self._idle.append(connection)
        else:
            connection.transport.abort()
        return answer

    def close(self) -> None:
        """End all connections; requests that are under way fail."""
        self._is_closed = True
        for connection in list(self._open):
            connection.transport.abort()

    def _take(self) -> "_Connection | None":
        """The connection that was used last, if one is open; those that were idle for long are ended."""
        while self._idle and self._idle[0].loop.time() - self._idle[0].idle_since > _MOST_IDLE:
            self._idle.popleft().transport.abort()
        while self._idle:
            if (connection := self._idle.pop()).stays_open:
                return connection
        return None

    async def _connect(self, seconds: float) -> "_Connection":
        if self._is_closed:
            raise ConnectionError("the client is closed")
        if self._is_secure and self._context is None:
            self._context = ssl.create_default_context()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            found = await loop.getaddrinfo(self._host, self._port, type=1)
            sock = await start_connection(
                found, happy_eyeballs_delay=0.25, interleave=1, socket_factory=self._socket_factory
            )
            named = self._host if self._context else None
            _, connection = await loop.create_connection(
                lambda: _Connection(self._open), sock=sock, ssl=self._context, server_hostname=named
            )
        return connection


class _Connection(asyncio.Protocol):
    """A connection, and the request that is under way on it."""

    transport: asyncio.Transport

    def __init__(self, known: "set[_Connection]") -> None:
        self.loop = asyncio.get_running_loop()
        self.stays_open = False
        self.idle_since = 0.0
        self._known = known
        self._answer = Answer()
        self._done: asyncio.Future[Answer] | None = None

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        self._parser = httptools.HttpResponseParser(self)
        self._answer, self._done = Answer(), self.loop.create_future()
        if self.transport.is_closing():
            self.connection_lost(None)
        else:
            self.transport.write(request)
        return self._done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._known.add(self)

    def data_received(self, data: bytes) -> None:
        if self._done is None or self._done.done():  # Nobody has asked for it.
            self.stays_open = False
            self.transport.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"the answer is no HTTP: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._known.discard(self)
        self._fail(exc if isinstance(exc, OSError) else ConnectionResetError("the server ended the connection"))

    def _fail(self, error: OSError) -> None:
        self.stays_open = False
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)

    # httptools calls these.

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self._answer.body += body

    def on_message_complete(self) -> None:
        if self._done is None or self._done.done():  # What follows the answer is none.
            self.stays_open = False
            return
        self._answer.status = self._parser.get_status_code()
        self.stays_open = self._parser.should_keep_alive()
        self._done.set_result(self._answer)
        self._answer = Answer()
