"""uvicorn's HTTP/1.1, with bounds on what one connection may take of this process."""

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from . import draining
from .problems import MEDIA_TYPE, Problem

HEAD_TIMEOUT = 20.0
"""Seconds until the head of a request has arrived."""
READ_TIMEOUT = 20.0
"""Seconds in which a client reads nothing of what was sent to it."""
MAX_HEAD = 64 * 1024
"""Bytes of a request's head; and of what else arrives of it without being a part of its body."""
MAX_HEADERS = 200
"""Lines of a head: a short one takes many times its bytes as Python objects."""
MAX_CHUNKS = 16_384
"""Parts in which a body arrives: 64 bytes each, of the largest that is allowed."""
MAX_PIPELINED = 8
"""Requests that wait on a connection for the response to the one before."""

# Bytes of a connection that the system keeps until they are read, and so, doubled by Linux, the most that are read and
# parsed at a time. By itself it grows to megabytes.
_RECEIVE_BUFFER = 64 * 1024


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 that closes a connection which takes more than its share.

    uvicorn itself bounds none of this, so that whoever reaches the port could fill the memory or hold every connection:

    - a head may take 20 s, 64 KiB and 200 lines (431); what follows a body is refused (400), since no client needs trailers;
    - between two parts of a body there may be 64 KiB of framing, and a body has at most 16,384 parts
      (for its size see `limits`);
    - behind a request that is not answered, eight more may wait; what comes after them is not read, and the connection
      is closed behind the last response, as HTTP allows (RFC 9112, 9.3.2);
    - a client that reads nothing for 20 s, while there is something for it to read, is cut off;
    - a connection beyond `limit_concurrency` takes the place of the one that has waited longest for a request, or for the
      rest of one; where each has a request that is being answered, it gets a 503 at once.

    What is not HTTP gets a problem as well. Look at uvicorn's `httptools_impl` beside this: it is its only base.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None
    # Whether the head of a request has been parsed, and not yet its end.
    _in_body = False
    _head_size = _chunks = 0
    # What was received since the parser last began or ended something.
    _unparsed = 0
    _refusal: Problem | None = None
    # When it was made, or its last request began.
    _since = 0.0
    _gives_way = False
    _unread = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # uvicorn's own way is to answer a request in plain text, once it has come.
        self._max_connections, self.limit_concurrency = self.limit_concurrency, None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timers, or refuse the connection."""
        super().connection_made(transport)
        if (connection := transport.get_extra_info("socket")) is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._read_timer = self.loop.call_later(READ_TIMEOUT, self._check_reads)
        self._since = self.loop.time()
        full = self._max_connections is not None and len(self.connections) > self._max_connections
        if full and not self._take_place_of_another():
            self._refuse(Problem(503, "too-many-connections", "This process has as many connections as it may have."))
        else:
            self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers."""
        self._stop_head_timer()
        if self._read_timer is not None:
            self._read_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count what adds to nothing that was parsed."""
        if self._refusal is not None:
            return
        self._unparsed += len(data)
        super().data_received(data)
        if self._refusal is not None:
            return
        if self._unparsed > MAX_HEAD:
            self._refuse(_head_too_large() if not self._in_body else _not_of_the_body())
        elif not self._in_body and not self._is_answering():
            # Also for what begins no request, such as empty lines: the timer of an idle connection has been stopped.
            self._start_head_timer()

    def drain(self) -> None:
        """Let the response that is next be the last on this connection."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    # What the parser finds

    def on_message_begin(self) -> None:
        """Start the timer of a further head, if it may come."""
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop_parsing(Problem(400, "bad-request", f"More than {MAX_PIPELINED} requests wait for a response."))
        super().on_message_begin()
        self._head_size, self._unparsed = 0, 0
        self._start_head_timer()

    def on_url(self, url: bytes) -> None:
        """Count it."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count it; refuse it behind a body."""
        if self._in_body:
            self._stop_parsing(Problem(400, "bad-request", "Trailers are not accepted."))
        self._count_head(len(name) + len(value) + 4)
        if len(self.headers) >= MAX_HEADERS:
            self._stop_parsing(_head_too_large())
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the timer."""
        super().on_headers_complete()
        self._stop_head_timer()
        self._in_body, self._unparsed, self._chunks = True, 0, 0
        self._since = self.loop.time()
        if draining.has_begun():
            self.drain()

    def on_body(self, body: bytes) -> None:
        """Begin to count anew; count the parts."""
        self._unparsed = 0
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            self._stop_parsing(Problem(400, "bad-request", f"The body arrives in more than {MAX_CHUNKS} parts."))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin to count anew."""
        self._in_body, self._unparsed = False, 0
        super().on_message_complete()

    # Refusals

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed, or must not go on."""
        self._refuse(self._refusal or Problem(400, "bad-request", msg))

    def _refuse(self, problem: Problem) -> None:
        """Take no more of this connection, and say why where a client cannot take it for another request's response."""
        self._refusal = problem
        self._stop_head_timer()
        if self._is_answering() and not self._in_body:
            self.cycle.keep_alive = False  # uvicorn closes behind the last response.
            return
        # Of a body it is the last request that is refused: the only one, or others come first.
        is_next = not self._in_body or not (self.pipeline or self.cycle.response_started)
        if is_next:
            body = bytes(problem.response().body)
            head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            status = f"HTTP/1.1 {problem.status_code} {problem.phrase}\r\n"
            self.transport.write(status.encode() + head.encode() + body)
        self.transport.close()

    def _take_place_of_another(self) -> bool:
        """Cut off the connection that has waited longest for its client, if any waits."""
        others = (other for other in self.connections if isinstance(other, BoundedHttp) and other is not self)
        waiting = [other for other in others if not other._gives_way and other._waits_for_its_client()]
        if not waiting:
            return False
        longest = min(waiting, key=lambda other: other._since)
        longest._gives_way = True
        longest.transport.abort()
        return True

    def _waits_for_its_client(self) -> bool:
        return self._in_body or not self._is_answering()

    def _stop_parsing(self, problem: Problem) -> None:
        """Raise through the parser, which ends in :meth:`send_400_response`."""
        self._refusal = problem
        raise ValueError(problem.detail)

    def _count_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > MAX_HEAD:
            self._stop_parsing(_head_too_large())

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    # Timers

    def _start_head_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._end_head)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_head(self) -> None:
        """Close, unless the rest is not read because responses come first."""
        self._head_timer = None
        if self._is_answering():
            self._start_head_timer()
        else:
            self.transport.close()

    def _check_reads(self) -> None:
        """Cut the connection off where the client has read nothing since the last look."""
        unread = self.transport.get_write_buffer_size()
        if unread and unread >= self._unread > 0:
            self.transport.abort()
            return
        self._unread = unread
        self._read_timer = self.loop.call_later(READ_TIMEOUT, self._check_reads)


def _head_too_large() -> Problem:
    return Problem(431, "head-too-large", f"A head has at most {MAX_HEAD} bytes and {MAX_HEADERS} headers.")


def _not_of_the_body() -> Problem:
    return Problem(400, "bad-request", f"More than {MAX_HEAD} bytes arrived that are no part of the body.")
