"""The engine on a socket: ``POST /``, ``GET /poll/{group}/{pid}``, ``GET /health``. Loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import errno
import functools
import ipaddress
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from resonate_scaffold import systems
from resonate_scaffold.devserver.engine import Clock, Engine, now_ms
from resonate_scaffold.devserver.errors import EngineError

logger = logging.getLogger(__name__)

#: Streams are written to this often (s), so that the end of a process that left no trace is noticed.
KEEP_ALIVE = 10.0
#: How late (s) a deadline may be noticed. Looking costs a peek at three heaps.
TICK = 0.1
#: How often (s) the journal is made safe against a power cut.
SYNC = 1.0
#: The largest request (bytes), as the Resonate server v0.9.8 has it. A value of the 1 MiB that a service allows fits.
MAX_BODY = 2 * 1024 * 1024
#: How long (s) a connection may be idle: longer than the service's client keeps one.
IDLE = 75
_POLL = re.compile(r"/poll/(?P<group>[^/]+)/(?P<pid>[^/]+)")
#: A Host header: a name or an address, perhaps a port, nothing else.
_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::[0-9]{1,5})?")
#: What a clean stop may take (s) for requests that are under way; streams are ended first.
SHUTDOWN = 1.0

type Scope = Mapping[str, Any]
type Receive = Callable[[], Awaitable[Mapping[str, Any]]]
type Send = Callable[[Mapping[str, Any]], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]
"""ASGI, as its specification writes them down."""


@dataclass(frozen=True)
class Running:
    """A running engine. `engine` is there for tests to look into; `clockwork` only ends by failing."""

    url: str
    engine: Engine
    clockwork: asyncio.Task[None]


async def serve(
    host: str = "127.0.0.1",
    port: int = 8001,
    journal: Path | None = None,
    ready: Callable[[str], None] = lambda url: None,
    token: str | None = None,
) -> None:
    """Run an engine until SIGTERM, Ctrl-C or cancellation; `ready(url)` is called once it listens.

    Port 0 picks a free one. Raises EngineError when the address, the port or the journal cannot be used.
    """
    stopped = asyncio.Event()
    with systems.on_stop_signals(stopped.set):
        async with running(journal=journal, port=port, host=host, token=token) as server:
            ready(server.url)
            stop = asyncio.create_task(stopped.wait())
            try:
                # An engine whose deadlines stand still must not look alive: leaving the block raises why.
                await asyncio.wait({stop, server.clockwork}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stop.cancel()


def event_loop() -> asyncio.AbstractEventLoop:
    """A new loop for an engine: uvloop's where there is one (not on Windows), which takes less CPU."""
    factory = uvicorn.Config("").get_loop_factory()
    return factory() if factory else asyncio.new_event_loop()


@contextlib.asynccontextmanager
async def running(
    journal: Path | None = None,
    port: int = 0,
    host: str = "127.0.0.1",
    clock: Clock = now_ms,
    token: str | None = None,
) -> AsyncIterator[Running]:
    """An engine for the length of the block, in this event loop. `clock` gives the time in ms.

    With a `token`, every client must bring it.

    Raises EngineError as `serve` does, and on leaving the block what made its time stand still.
    """
    _check_loopback(host)
    engine = Engine(journal, clock, token)
    try:
        async with _listening(application(engine), host, port) as server:
            bound_host, bound_port = server.sockets[0].getsockname()[:2]
            shown = f"[{bound_host}]" if ":" in bound_host else bound_host
            engine.router.server_url = f"http://{shown}:{bound_port}"
            try:
                async with _clockwork(engine) as clockwork:
                    yield Running(engine.router.server_url, engine, clockwork)
            finally:
                engine.router.close()
    finally:
        engine.close()


def application(engine: Engine) -> Application:
    """The HTTP face of `engine`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        poll = _POLL.fullmatch(path)
        if (refusal := _refusal(scope)) is not None:
            await _answer(send, 403, msgspec.json.encode({"error": refusal}))
        elif path == "/" and method == "POST":
            body = await _read(receive)
            if body is None:
                await _answer(send, 413, b"the largest request has %d bytes" % MAX_BODY, b"text/plain")
            else:
                # Nothing awaits in there: requests are applied one at a time, in the order of the journal.
                await _answer(send, *engine.request(body))
        elif poll is not None and method == "GET":
            scheme, _, token = _header(scope, b"authorization").decode("latin-1").partition(" ")
            if engine.admits(token if scheme == "Bearer" else None):
                await _stream(engine, poll["group"], poll["pid"], receive, send)
            else:
                await _answer(send, 401, b"Unauthorized", b"text/plain")
        elif path in ("/health", "/ready") and method in ("GET", "HEAD"):
            await _answer(send, 200, b'{"status": "ok"}')
        else:
            known = path == "/" or poll is not None or path in ("/health", "/ready")
            await _answer(send, 405 if known else 404, b"", b"text/plain")

    return app


async def _read(receive: Receive) -> bytes | None:
    """The body of a request; None when it is too large."""
    body: bytes = b""
    while True:
        event = await receive()
        if event["type"] != "http.request":  # the client has gone
            return None
        body += event.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not event.get("more_body"):
            return body


async def _answer(send: Send, status: int, body: bytes, content_type: bytes = b"application/json") -> None:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), (b"date", _date(time.time()))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(engine: Engine, group: str, pid: str, receive: Receive, send: Send) -> None:
    """Write what `engine` has for a process, until its reader has gone or the engine closes the stream."""
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        (b"date", _date(time.time())),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    poller = engine.connect(group, pid)

    async def close_when_its_reader_has_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        poller.close()

    watch = asyncio.create_task(close_when_its_reader_has_gone())
    try:
        while not poller.closed:
            await poller.wait(KEEP_ALIVE)
            events = "".join(f"data: {payload}\n\n" for payload in poller.take())
            await send(
                {"type": "http.response.body", "body": (events or ": keep-alive\n\n").encode(), "more_body": True}
            )
    finally:
        engine.disconnect(poller)
        watch.cancel()
    await send({"type": "http.response.body", "body": b""})


def _date(now: float) -> bytes:
    """The header `Date`; a service reads the engine's clock from it."""
    return _date_of_second(int(now))


@functools.lru_cache(maxsize=1)
def _date_of_second(second: int) -> bytes:
    return email.utils.formatdate(second, usegmt=True).encode()


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


def _refusal(scope: Scope) -> str | None:
    """Refuse what a web page could send, from any origin or by a rebound name: no page is part of this engine.

    A browser says Origin with every POST, and Sec-Fetch-Site with every request; other clients say neither.
    """
    hosts = list[bytes]()
    for name, value in scope["headers"]:
        if name == b"origin" or (name == b"sec-fetch-site" and value != b"none"):
            return "this engine does not answer web pages"
        if name == b"host":
            hosts.append(value)
    if len(hosts) != 1 or not _names_loopback(hosts[0].decode("latin-1")):
        return "this engine answers on loopback names only"
    return None


def _names_loopback(host_header: str) -> bool:
    host = _HOST.fullmatch(host_header)
    return host is not None and _is_loopback((host["v6"] or host["name"]).lower())


@functools.lru_cache(maxsize=64)  # asked of every request, and the answers are few
def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_loopback(host: str) -> None:
    if not _is_loopback(host):
        raise EngineError(
            f"the embedded engine does not listen on {host}: it has no authentication and is for development",
            "use 127.0.0.1, or run a Resonate server for other machines",
        )


@contextlib.asynccontextmanager
async def _listening(app: Application, host: str, port: int) -> AsyncIterator[asyncio.Server]:
    """Serve `app` by uvicorn's HTTP during the block, then end what is open: the streams must have been closed."""
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # uvicorn's own may be a second late
        timeout_keep_alive=IDLE,
    )
    config.load()
    state = ServerState()
    server = await _bind(lambda: HttpToolsProtocol(config, state, {}), host, port)
    try:
        yield server
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=SHUTDOWN)


async def _bind(protocol: Callable[[], asyncio.Protocol], host: str, port: int) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(protocol, host, port)
    except OverflowError as error:
        raise EngineError(f"there is no port {port}", "choose a port between 0 and 65535") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise EngineError(
                f"port {port} on {host} is in use", "stop what listens there, or choose another with --port"
            ) from error
        why = error.strerror or str(error)
        raise EngineError(f"cannot listen on {host} port {port}: {why}", "choose another with --port") from error


@contextlib.asynccontextmanager
async def _clockwork(engine: Engine) -> AsyncIterator[asyncio.Task[None]]:
    """Let the engine's time pass during the block. What makes it fail is raised when the block ends."""
    task = asyncio.create_task(_tick_forever(engine))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _tick_forever(engine: Engine) -> None:
    loop = asyncio.get_running_loop()
    synced = loop.time()
    while True:
        engine.tick()
        if loop.time() - synced >= SYNC:
            try:
                await asyncio.to_thread(engine.sync)
            except OSError as error:
                logger.error("the journal could not be synced to disk: %s", error)
            synced = loop.time()
        await asyncio.sleep(TICK)
