"""A worker's health port: /livez, /readyz and /metrics. The API has them among its routes.

Probes send one small GET, so that is all this answers, a connection each. aiohttp, with which this process talks to its
engine, bounds neither the connections of a server nor the time of a head, and logs a traceback for each that is malformed.
"""

import asyncio
import json
import logging
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from ..errors import PortTaken
from ..settings import ServiceSettings, is_allowed_host
from ..telemetry import metrics

logger = logging.getLogger(__name__)

MAX_HEAD = 16 * 1024
"""Bytes of a request's head."""
MAX_CONNECTIONS = 256
"""A further one takes the place of the one that has waited longest for its client."""
PATIENCE = 5.0
"""Seconds until the head of a request has arrived; and until the response is read."""

_REQUEST = re.compile(rb"(GET|HEAD) (/[^ ?]*)(?:\?[^ ]*)? HTTP/1\.[01]")
_HOST = re.compile(rb"(?im)^host:[ \t]*(.*?)[ \t]*\r$")
_JSON = "application/json"

type _Answer = tuple[HTTPStatus, str, bytes]


@asynccontextmanager
async def health_server(
    settings: ServiceSettings, health_problem: Callable[[], Awaitable[str | None]], draining: asyncio.Event
) -> AsyncIterator[None]:
    """Answer on HEALTH_PORT, where it is set. ``health_problem`` says what keeps the process from its work, or None.

    Raises:
        PortTaken: the port is in use.
    """
    if settings.health_port is None:
        yield
        return
    host = settings.health_host or settings.host
    connections = _Connections(_Probes(settings.hosts_at(host), health_problem, draining))
    try:
        server = await asyncio.start_server(connections.serve, host, settings.health_port, limit=MAX_HEAD)
    except OSError as error:
        raise PortTaken(
            f"HEALTH_PORT: cannot listen on {host}:{settings.health_port} ({_reason(error)})",
            "Each process on a machine needs a port of its own, or none.",
        ) from None
    logger.info("health on %s port %s", *server.sockets[0].getsockname()[:2])
    try:
        yield
    finally:
        server.close()
        await connections.end()


def _reason(error: OSError) -> str:
    # asyncio's own words repeat the address.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


class _Probes:
    """What is answered to a request's head."""

    def __init__(
        self,
        hosts: frozenset[str] | None,
        health_problem: Callable[[], Awaitable[str | None]],
        draining: asyncio.Event,
    ) -> None:
        self._hosts, self._health_problem, self._draining = hosts, health_problem, draining

    async def respond(self, head: bytes) -> bytes:
        """The whole response."""
        request = _REQUEST.match(head)
        status, kind, body = await self._answer(request[2].decode("latin-1") if request else None, head)
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff",
            "Connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + (b"" if request and request[1] == b"HEAD" else body)

    async def _answer(self, path: str | None, head: bytes) -> _Answer:
        if path is None:
            return _status(HTTPStatus.BAD_REQUEST, "bad-request")
        if not is_allowed_host([host.decode("latin-1") for host in _HOST.findall(head)], self._hosts):
            return _status(HTTPStatus.MISDIRECTED_REQUEST, "host-not-allowed")
        match path:
            case "/livez":
                return _status(HTTPStatus.OK, "alive")
            case "/readyz":
                problem = "it drains" if self._draining.is_set() else await self._health_problem()
                if problem is not None:
                    return _status(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail=problem)
                return _status(HTTPStatus.OK, "ready")
            case "/metrics":
                await self._health_problem()  # It sets the gauge `engine_up`.
                return HTTPStatus.OK, metrics.CONTENT_TYPE, metrics.render()
            case _:
                return _status(HTTPStatus.NOT_FOUND, "not-found")


def _status(code: HTTPStatus, status: str, **members: str) -> _Answer:
    return code, _JSON, json.dumps({"status": status, **members}).encode()


class _Connections:
    """One request each. Whoever takes too long, or sends too much, is cut off without a word."""

    def __init__(self, probes: _Probes) -> None:
        self._probes = probes
        self._all: set[asyncio.Task[None]] = set()
        # Those whose head has not arrived, the oldest first.
        self._waiting: dict[asyncio.Task[None], None] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._all.add(task)
        self._waiting[task] = None
        if len(self._all) > MAX_CONNECTIONS:
            next(iter(self._waiting)).cancel()
        try:
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
            del self._waiting[task]
            writer.transport.set_write_buffer_limits(0)  # so that `drain` waits until all of it is gone
            writer.write(await self._probes.respond(head))
            async with asyncio.timeout(PATIENCE):
                await writer.drain()
            writer.close()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            self._all.discard(task)
            self._waiting.pop(task, None)
            if not writer.is_closing():
                writer.transport.abort()

    async def end(self) -> None:
        """Cut off those that are left."""
        left = list(self._all)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
