"""The engine on a socket: ``POST /``, ``GET /poll/{group}/{pid}``, ``GET /health``. Loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import ipaddress
import logging
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

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
#: A Host header: a name or an address, perhaps a port, nothing else.
_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::[0-9]{1,5})?")
#: What a clean stop may take (s) for requests that are under way; streams are ended first.
SHUTDOWN = 1.0


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
    """Run an engine until SIGTERM, SIGINT or cancellation; `ready(url)` is called once it listens.

    Port 0 picks a free one. Raises EngineError when the address, the port or the journal cannot be used.
    """
    stopped = asyncio.Event()
    with _signals(stopped.set):
        async with running(journal=journal, port=port, host=host, token=token) as server:
            ready(server.url)
            stop = asyncio.create_task(stopped.wait())
            try:
                # An engine whose deadlines stand still must not look alive: leaving the block raises why.
                await asyncio.wait({stop, server.clockwork}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stop.cancel()


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
        # handler_cancellation: a stream whose reader has gone ends at once, not at its next write.
        runner = web.AppRunner(
            application(engine), access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN
        )
        await runner.setup()
        try:
            await _listen(runner, host, port)
            bound_host, bound_port = runner.addresses[0][:2]
            shown = f"[{bound_host}]" if ":" in bound_host else bound_host
            engine.router.server_url = f"http://{shown}:{bound_port}"
            async with _clockwork(engine) as clockwork:
                yield Running(engine.router.server_url, engine, clockwork)
        finally:
            engine.router.close()
            await runner.cleanup()
    finally:
        engine.close()


def application(engine: Engine) -> web.Application:
    """The HTTP face of `engine`."""

    async def rpc(request: web.Request) -> web.Response:
        body = await request.read()
        # Nothing awaits in there: requests are applied one at a time, in the order of the journal.
        status, answer = engine.request(body)
        return web.Response(status=status, body=answer, content_type="application/json")

    async def poll(request: web.Request) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not engine.admits(token if scheme == "Bearer" else None):
            return web.Response(status=401, text="Unauthorized")
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        poller = engine.connect(request.match_info["group"], request.match_info["pid"])
        try:
            while not poller.closed:
                await poller.wait(KEEP_ALIVE)
                events = "".join(f"data: {payload}\n\n" for payload in poller.take())
                await response.write((events or ": keep-alive\n\n").encode())
        except ConnectionResetError:
            logger.debug("%s/%s went away during a write", poller.group, poller.pid)
        finally:
            engine.disconnect(poller)
        return response

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application(client_max_size=MAX_BODY, middlewares=[_no_browsers])
    app.router.add_post("/", rpc)
    app.router.add_get("/poll/{group}/{pid}", poll)
    app.router.add_get("/health", health)
    app.router.add_get("/ready", health)
    return app


@web.middleware
async def _no_browsers(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse what a web page could send, from any origin or by a rebound name: no page is part of this engine.

    A browser says Origin with every POST, and Sec-Fetch-Site with every request; other clients say neither.
    """
    if "Origin" in request.headers or any(it != "none" for it in request.headers.getall("Sec-Fetch-Site", [])):
        return web.json_response({"error": "this engine does not answer web pages"}, status=403)
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not _names_loopback(hosts[0]):
        return web.json_response({"error": "this engine answers on loopback names only"}, status=403)
    return await handler(request)


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


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
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


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop`, in the event loop, on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    wanted = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in wanted}
    for number in wanted:
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
    try:
        yield
    finally:
        for number, handler in before.items():
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler)
