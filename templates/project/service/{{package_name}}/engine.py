"""The client of the Resonate engine, with what it needs to stay alive and to stop cleanly.

Everything here that looks like more than `Resonate(url=…)` answers a way in which a plain client fails in production;
each class says which.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, perf_counter, time
from typing import Any

import aiohttp
from psycopg.errors import InsufficientPrivilege
from resonate.connections import HttpConnection, LocalConnection, SSEConnection
from resonate.context import Context
from resonate.error import ConnectorError, DecodingError, ServerError
from resonate.resonate import Resonate
from resonate.retry import Exponential, ExponentialBackoff
from resonate.types import PromiseRecord, TaskData, Value
from resonate_base.connections import Network, Source
from resonate_pg import PostgresConnection

from . import logs, metrics, tracing
from .ambient import Ambient
from .health import HealthPortTaken, listening
from .pickles import SafeErrors
from .rpc import Rpc, Served
from .settings import Settings

logger = logging.getLogger(__name__)

ANSWER_WITHIN = 5.0
"""Seconds that the engine has to answer a request before it counts as unavailable."""

PROBED_WITHIN = 2.0
"""Seconds that it has to answer a probe: whoever asks for health waits no longer."""

# Steps are retried after 2, 4 and 8 s. The SDK's own default doubles 30 times, which is for ever.
STEP_RETRY = Exponential(delay=1, factor=2, max_delay=10, max_retries=3)


HOLD = "gate.hold"


async def hold(ctx: Context) -> Any:
    """Served by every group: what a workflow that waits at a gate calls. An answer settles its promise."""
    return await ctx.promise()


class EngineUnavailable(Exception):
    """The engine did not answer in time. What was asked of it may still happen."""


@dataclass(frozen=True, slots=True)
class Engine:
    """This process's connection to the engine."""

    resonate: Resonate
    network: Network
    source: Source | None

    async def start_workflow(
        self, contract: Rpc[Any, Any], promise_id: str, request: Any, timeout: timedelta, tags: dict[str, str]
    ) -> PromiseRecord:
        """Start a durable function under an id, or find what was started under it: one round trip.

        Returns the engine's record, which is the *first* one where the id exists: compare its tags. Nothing is kept
        in this process, unlike with `Resonate.rpc`, which holds a subscription until the job ends.
        """
        data = TaskData(func=contract.name, args=(request.model_dump(mode="json"),), version=contract.version)
        timeout_at = int((time() + timeout.total_seconds()) * 1000)
        ours = {**tags, **tracing.tags(), "resonate:target": f"poll://any@{contract.group}"}
        record = await self.create(promise_id, data, timeout_at, ours)
        _tell_of(record)
        return record

    async def create(
        self, promise_id: str, param: Any, timeout_at: int, tags: dict[str, str] | None = None
    ) -> PromiseRecord:
        """Create a root promise, or return the one that has the id. ``timeout_at`` is in Unix milliseconds."""
        root = {"resonate:origin": promise_id, "resonate:branch": promise_id, "resonate:parent": promise_id}
        tags = {**root, "resonate:scope": "global", **(tags or {})}
        return await answer_of(self.resonate.promises.create(promise_id, timeout_at, Value(data=param), tags))

    async def find(self, promise_id: str) -> PromiseRecord | None:
        """The record of a promise, or None. It is read, not unpickled: see :func:`error_message`."""
        try:
            record = await answer_of(self.resonate.promises.get(promise_id))
        except ServerError as error:
            if error.code == 404:
                return None
            raise
        _tell_of(record)
        return record

    async def resolve(self, promise_id: str, value: Any) -> PromiseRecord:
        """Resolve a promise; where it is settled already, the record of its first outcome."""
        return await answer_of(self.resonate.promises.resolve(promise_id, Value(data=value)))

    async def trouble(self) -> str | None:
        """What keeps this process from its work, or None: whether the engine answers, and can be heard."""
        found = None
        try:
            async with asyncio.timeout(PROBED_WITHIN):
                await self.find("readyz")
        except (TimeoutError, EngineUnavailable):
            found = "the engine does not answer"
        metrics.ENGINE_UP.labels("requests").set(found is None)
        if isinstance(self.source, LiveSSE | SteadyPostgres):
            metrics.ENGINE_UP.labels("stream").set(self.source.connected)
            if not self.source.connected:
                found = found or "the stream of work is down"
        return found

    async def root_tags(self, root: str) -> dict[str, str] | None:
        """The tags of a root promise; None when the engine does not answer."""
        try:
            record = await self.find(root)
        except EngineUnavailable:
            return None
        return record.tags if record else {}

    async def stop(self, grace: timedelta) -> None:
        """Take no more work, let what runs finish within ``grace``, then close.

        `Resonate.stop` alone closes the network first, and a step in flight loses its result.
        """
        deadline = monotonic() + grace.total_seconds()
        if isinstance(self.source, LiveSSE):
            await self.source.stop()
        elif isinstance(self.source, SteadyPostgres):
            await self.source.stop_listening()
        # The SDK has no public way to wait for running tasks; the minor version is pinned for this line.
        while (running := set(self.resonate._runtime.bg_tasks)) and (left := deadline - monotonic()) > 0:
            await asyncio.wait(running, timeout=left)
        try:
            await asyncio.wait_for(self.resonate.stop(), timeout=max(deadline - monotonic(), 1))
        except TimeoutError:
            logger.warning("stopped with work in flight: another worker takes it up when its lease ends")
        # A collector that is away may not hold a stop up.
        await tracing.stop(min(max(deadline - monotonic(), 1), 3))


async def answer_of[T](asked: Awaitable[T]) -> T:
    """What the engine answers, within :data:`ANSWER_WITHIN`; :class:`EngineUnavailable` when it does not."""
    started, outcome = perf_counter(), "unavailable"
    try:
        # The SDK tries again for ever while the engine is down, so the bound must be ours.
        async with asyncio.timeout(ANSWER_WITHIN):
            answer = await asked
        outcome = "ok"
        return answer
    except (TimeoutError, ConnectorError, DecodingError) as error:
        raise EngineUnavailable(f"the engine did not answer: {type(error).__name__}") from error
    except ServerError as error:
        if error.code < 500:
            outcome = "ok" if error.code == 404 else "refused"
            raise
        raise EngineUnavailable(f"the engine answered {error.code}") from error
    finally:
        metrics.ENGINE_REQUESTS.labels(outcome).observe(perf_counter() - started)


def _tell_of(record: PromiseRecord) -> None:
    """Tell the log line and the span of the request, if this is in one, which job it is about."""
    # A gate's alias has no target. A durable function's lines keep its own job, a request's tell the first of several.
    if "resonate:target" in record.tags and logs.note(job=record.id):
        tracing.link(record.tags)


def error_message(record: PromiseRecord) -> str:
    """The readable half of a rejected promise. Its other half, a pickle, is never opened nor passed on."""
    data = record.value.data
    message = data.get("message") if isinstance(data, dict) else None
    return message[:1000] if isinstance(message, str) and message else "it failed without a message"


class LiveSSE(SSEConnection):
    """The stream of work from a Resonate server, kept alive.

    The SDK opens it with aiohttp's default total timeout of 300 s and does not catch what that raises: after five
    minutes a worker is deaf for good. Here it has no total timeout, comes back after any error, notices a half-open
    connection by TCP keep-alive (the server sends none), and says whether it is connected.
    """

    connected = False

    def _ensure_session(self) -> aiohttp.ClientSession:
        if self._session is None and not self._stopped:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                connector=aiohttp.TCPConnector(socket_factory=_keep_alive_socket),
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
                logger.exception("the stream broke; opening it again")
                await asyncio.sleep(1)


def _keep_alive_socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, _ = address
    sock = socket.socket(family=family, type=kind, proto=protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
    return sock


class SteadyPostgres(PostgresConnection):
    """Postgres as the engine, whose timers survive a blip, and which says whether work is heard.

    The connector turns its timers off for good after one failed session; without pg_cron nothing would ever time out
    or be retried in this process again. Here they are tried again after a pause.
    """

    _PAUSE = 5.0
    _STALE = 10.0
    _resume_at = 0.0
    _timers_run = True
    _drained_at = float("-inf")

    @property
    def connected(self) -> bool:
        """Whether both tasks live, messages were fetched lately, and the timers are driven."""
        alive = bool(self._tasks) and not any(task.done() for task in self._tasks)
        return alive and self._timers_run and monotonic() - self._drained_at < self._STALE

    async def _drain(self) -> None:
        await super()._drain()
        self._drained_at = monotonic()

    async def _fire_timers(self) -> None:
        if not self._drive_timers or monotonic() < self._resume_at:
            return
        try:
            async with self._sessions.session() as session:
                await session.execute("SELECT resonate.process_timeouts()")
            self._timers_run = True
        except InsufficientPrivilege:
            self._drive_timers = False
            logger.info("this role may not drive the engine's timers: pg_cron must")
        except Exception as error:
            self._timers_run, self._resume_at = False, monotonic() + self._PAUSE
            logger.warning("the engine's timers stand still, to be tried again: %s", error)

    async def schedule_ids(self, prefix: str) -> set[str] | None:
        """The ids of the schedules that begin with ``prefix``; None where this role may not read the table.

        resonate-pg answers `schedule.search` with 501, and its role for workers reads no table.
        """
        try:
            async with self._sessions.session() as session:
                cursor = await session.execute("SELECT id FROM resonate.schedules WHERE starts_with(id, %s)", (prefix,))
                return {str(row[0]) for row in await cursor.fetchall()}
        except InsufficientPrivilege:
            return None
        except Exception as error:
            raise ConnectorError(error) from error

    async def stop_listening(self) -> None:
        """Take no more work, and keep the connection for what runs."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def connect(
    settings: Settings,
    group: str,
    *,
    served: Sequence[Served] = (),
    dependencies: Sequence[Any] = (),
    local: LocalConnection | None = None,
) -> Engine:
    """Open this process's client. Needs a running event loop.

    A process that serves nothing only sends: it holds no stream. ``local`` replaces RESONATE_URL by an in-process
    engine. ``dependencies`` reach durable functions by their exact type (`ctx.get_dependency`).
    """
    pid = f"{group}-{uuid.uuid4().hex}"
    network, source = _connections(settings, group, pid, local)
    listens = bool(served)
    resonate = Resonate(
        network=network,
        sources=[source] if listens else [],
        group=group,
        pid=pid,
        # In process nothing can take over a task, and the SDK sends no heartbeats there: a lease must not lapse.
        ttl=settings.lease if local is None else timedelta(days=1),
        retry_policy=STEP_RETRY,
        encryptor=SafeErrors(),
        env={},
        autostart=False,
    )
    engine = Engine(resonate, network, source if listens else None)
    equip(engine, settings, served, dependencies)
    tracing.start(group)
    resonate.start()
    return engine


def equip(engine: Engine, settings: Settings, served: Sequence[Served], dependencies: Sequence[Any]) -> None:
    """Register what a client serves, and what its durable functions ask for by type. Before it starts."""
    if served:
        engine.resonate.register(hold, name=HOLD)
    for entry in served:
        contract = entry.contract
        engine.resonate.register(entry.function, name=contract.name, version=contract.version, retry_policy=entry.retry)
    for dependency in (engine, settings, Ambient(), tracing.Roots(engine.root_tags), *dependencies):
        engine.resonate.with_dependency(dependency)


def _connections(settings: Settings, group: str, pid: str, local: LocalConnection | None) -> tuple[Network, Source]:
    if local is not None:
        return local, local
    url = settings.resonate_url
    if url is None:
        raise ValueError("RESONATE_URL is not set")
    if url.startswith("postgres"):
        postgres = SteadyPostgres(url, pid=pid, group=group)
        return postgres, postgres
    token = settings.resonate_token.get_secret_value() if settings.resonate_token else None
    backoff = ExponentialBackoff(initial=0.2, max_delay=5)
    network = HttpConnection(url, auth=token, backoff=backoff)
    return network, LiveSSE(url, pid=pid, group=group, auth=token, backoff=backoff)


async def run_worker(
    settings: Settings,
    group: str,
    served: Sequence[Served],
    dependencies: Sequence[Any] = (),
    beside: Callable[[Engine], Awaitable[None]] | None = None,
) -> None:
    """Serve a group until SIGTERM or SIGINT, then drain.

    ``beside`` runs while the group serves, and is canceled when it drains. What it raises is logged.
    """
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
            asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    engine = connect(settings, group, served=served, dependencies=dependencies)
    try:
        async with listening(settings, engine.trouble, stopping):
            names = ", ".join(sorted(s.contract.name for s in served)) or "nothing yet"
            logger.info("group %s serves %s", group, names)
            companion = asyncio.create_task(_logged(beside(engine))) if beside else None
            await stopping.wait()
            logger.info("group %s drains", group)
            if companion:
                companion.cancel()
            await engine.stop(settings.shutdown_grace)
    except HealthPortTaken:
        await engine.stop(timedelta(0))
        raise


async def _logged(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:
        logger.exception("what runs beside the worker has failed")
