"""The client of the Resonate engine: what the service asks of it, each request with a bound."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from time import perf_counter
from typing import Any

from msgspec.structs import replace
from resonate.connections import LocalConnection
from resonate.error import ConnectorError, DecodingError, ServerError
from resonate.resonate import Resonate
from resonate.types import PromiseRecord, PromiseSettleReq, TaskData, Value
from resonate_base.connections import Network, Source

from ..errors import EngineRefused, EngineUnavailable, Failure
from ..settings import DEFAULT_JOB_TIMEOUT, ServiceSettings, required
from ..telemetry import logs, metrics, outstanding, replays, runs, tracing
from . import codec
from .breaker import Breaker
from .clock import EngineClock
from .connections import ReconnectingSSE, RetryingHttp, http_connections
from .ends import Ends
from .heartbeat import ThreadHeartbeat
from .namespace import Namespace
from .offers import WorkerResonate
from .postgres import ResilientPostgres
from .retry import STEP_RETRY
from .run_tags import EXTERNAL, tags_of_run
from .sdk_events import is_fault, observe
from .task_sender import REFUSALS, TaskSender

_measured = cache(metrics.ENGINE_REQUESTS.labels)

REQUEST_TIMEOUT = 5.0
"""Seconds that the engine has to answer a request before it counts as unavailable."""

PROBE_TIMEOUT = 2.0
"""Seconds that it has to answer a readiness probe."""

STARTED_BY = "started-by"
"""The tag of work that says which service started it, and which of its groups: ``myapi/api``."""

PROBE_PERIOD = 60
"""Seconds after which a probe writes to the engine again. All processes of a service share what one of them wrote."""


_BRIEFLY = 5_000  # Milliseconds for which a call is taken to end it.


@dataclass(frozen=True, slots=True)
class EngineClient:
    """This process's connection to the engine.

    Ids go in and come out as the service knows them, without its namespace: ``job/order-1``.
    """

    resonate: Resonate
    network: Network
    source: Source | None
    """Where work arrives; None in a process that only sends."""

    namespace: Namespace
    group: str
    """The group that this process belongs to, without the namespace."""

    clock: EngineClock = field(default_factory=EngineClock)
    """The engine's clock: time-outs are counted from it."""

    job_timeout: timedelta = DEFAULT_JOB_TIMEOUT
    """The setting JOB_TIMEOUT: how long work has whose contract does not say."""

    breaker: Breaker = field(default_factory=Breaker)
    """Lets requests fail at once while the engine is away."""

    ends: Ends | None = None
    """What the engine tells of ends of work; None in a process that waits for none."""

    async def start(
        self, task: TaskData, group: str, promise_id: str, timeout: timedelta, tags: dict[str, str] | None = None
    ) -> PromiseRecord:
        """Start a durable function under an id, or find what was started under it, in one round trip.

        Returns the engine's record, which is the *first* one where the id exists: compare its tags. Nothing stays in
        this process, unlike with `Resonate.rpc`, which holds a subscription until the job ends.
        """
        if not self.clock.is_known and isinstance(self.network, RetryingHttp | ResilientPostgres):
            await self._request(self._probe)  # Its answer tells the time.
        timeout_at = self.clock.now_ms() + int(timeout.total_seconds() * 1000)
        tags = {**(tags or {}), **tracing.context_tags(), "resonate:target": self.namespace.target(group)}
        tags |= tags_of_run(self.namespace, promise_id, self.clock.now_ms())
        tags[STARTED_BY] = self.namespace.engine_id(self.group)
        record = await self.create(promise_id, task, timeout_at, tags)
        outstanding.note_call(self.namespace.group(group), self.namespace.engine_id(record.id), task.func)
        self._note_job(record)
        return record

    async def create(
        self, promise_id: str, param: Any, timeout_at: int, tags: dict[str, str] | None = None
    ) -> PromiseRecord:
        """Create a root promise, or return the one that has the id. ``timeout_at`` is in Unix milliseconds."""
        engine_id = self.namespace.engine_id(promise_id)
        tags = {**_root_tags(engine_id), **(tags or {})}
        promises = self.resonate.promises
        return self._local(await self._request(lambda: promises.create(engine_id, timeout_at, Value(data=param), tags)))

    async def find(self, promise_id: str) -> PromiseRecord | None:
        """The record of a promise, or None."""
        record = await self.find_on_engine(self.namespace.engine_id(promise_id))
        if record is None:
            return None
        record = self._local(record)
        self._note_job(record)
        return record

    @asynccontextmanager
    async def told_of_end(self, promise_id: str) -> AsyncIterator[asyncio.Future[None] | None]:
        """A future that is done once a promise has settled; None where the engine tells this process of no ends."""
        if self.ends is None or not self.ends.are_heard:
            yield None
            return
        engine_id, address = self.namespace.engine_id(promise_id), self.ends.address
        sender = self.resonate.promises.sender
        with self.ends.listen(engine_id) as told:
            try:
                record = await self._request(lambda: sender.promise_register_listener(engine_id, address))
            except ServerError:  # It is gone, or the engine tells nobody of it: `find` says more.
                yield None
                return
            if record.state != "pending" and not told.done():
                told.set_result(None)
            yield told

    async def resolve(self, promise_id: str, value: Any) -> PromiseRecord:
        """Resolve a promise; where it is settled already, the record of its first outcome."""
        engine_id = self.namespace.engine_id(promise_id)
        return self._local(await self._request(lambda: self.resonate.promises.resolve(engine_id, Value(data=value))))

    async def reject(self, promise_id: str, value: Any) -> PromiseRecord:
        """Reject a promise; where it is settled already, the record of its first outcome."""
        engine_id = self.namespace.engine_id(promise_id)
        return self._local(await self._request(lambda: self.resonate.promises.reject(engine_id, Value(data=value))))

    async def stop(self, promise_id: str) -> PromiseRecord:
        """End a promise as canceled, by force; where it is settled already, the record of its first outcome."""
        engine_id = self.namespace.engine_id(promise_id)
        return self._local(await self._request(lambda: self.resonate.promises.cancel(engine_id, Value(data=None))))

    async def fail_untaken(self, promise_id: str, failure: Failure) -> bool:
        """End a call that no worker has ever taken, with a failure; False: one has, or takes it just now.

        It is taken for that as a worker would take it, so that nobody can begin it meanwhile.
        """
        engine_id = self.namespace.engine_id(promise_id)
        sender, codec = self.resonate.promises.sender, self.resonate.promises.codec
        end = PromiseSettleReq(id=engine_id, state="rejected", value=codec.encode(failure))
        try:
            taken = await self._request(
                lambda: sender.task_acquire(engine_id, 0, f"cancel-{uuid.uuid4().hex}", _BRIEFLY)
            )
            await self._request(lambda: sender.task_fulfill(engine_id, taken.task.version, end))
        except ServerError as error:
            if error.code not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise
            return False
        return True

    async def health_problem(self) -> str | None:
        """What keeps this process from its work, or None.

        The engine must answer, be able to write, and be able to send work to this process; and its clock must not be
        far from this machine's.
        """
        problem = None
        if refusal := await self.refusal():
            problem = str(refusal)
        metrics.ENGINE_UP.labels("requests").set(problem is None)
        if isinstance(self.resonate, WorkerResonate):
            self.resonate.offers.measure()
            problem = problem or self.resonate.places.problem() or self.resonate.misfits.problem()
        if isinstance(self.source, ReconnectingSSE | ResilientPostgres):
            metrics.ENGINE_UP.labels("stream").set(self.source.connected)
            if not self.source.connected:
                problem = problem or "the stream of work is down"
        return problem or self.clock.problem

    async def refusal(self) -> EngineUnavailable | None:
        """Why the engine does not take this process's requests; None: it does."""
        try:
            with self.breaker.request(probe=True):
                await answer(self._probe(), PROBE_TIMEOUT)
        except EngineRefused as error:
            return EngineRefused(error.code, self.namespace.name)
        except EngineUnavailable as error:
            answered = error.__cause__.code if isinstance(error.__cause__, ServerError) else None
            return EngineUnavailable(
                f"the engine cannot write: it answers {answered}" if answered else "the engine does not answer"
            )
        except ServerError as error:
            return EngineUnavailable(f"the engine refuses requests: {error.code}")
        return None

    async def _probe(self) -> None:
        """Write a promise to the engine: one a period for all processes of a service.

        It has timed out when it is made, and so it waits for nobody, and is removed with other promises that have ended.
        A disk that is full lets reads pass, and no new promise.
        """
        period = PROBE_PERIOD * 1000
        began = self.clock.now_ms() // period * period
        engine_id = self.namespace.engine_id(f"probe/{began // 1000}")
        # Where this machine's clock is ahead, it times out a little later.
        tags = {**_root_tags(engine_id), **EXTERNAL}
        await self.resonate.promises.create(engine_id, began, Value(data=None), tags)

    async def root_tags(self, engine_id: str) -> dict[str, str] | None:
        """The tags of a root promise, by its id on the engine; None when the engine does not answer."""
        try:
            record = await self.find_on_engine(engine_id)
        except EngineUnavailable:
            return None
        return record.tags if record else {}

    async def find_on_engine(self, engine_id: str) -> PromiseRecord | None:
        """The record of a promise by its id on the engine, which it keeps; or None."""
        try:
            return await self._request(lambda: self.resonate.promises.get(engine_id))
        except ServerError as error:
            if error.code == 404:
                return None
            raise

    async def _request[T](self, request: Callable[[], Awaitable[T]]) -> T:
        try:
            with self.breaker.request():
                return await answer(request())
        except EngineRefused as error:
            raise EngineRefused(error.code, self.namespace.name) from error

    def _local(self, record: PromiseRecord) -> PromiseRecord:
        return replace(record, id=self.namespace.local_id(record.id))

    def _note_job(self, record: PromiseRecord) -> None:
        """Tell the log lines and the span of the current request which job it is about."""
        # A gate's alias has no target. Of several jobs the first one counts, which is a durable function's own.
        job = self.namespace.engine_id(record.id)
        if "resonate:target" in record.tags and logs.add_to_log_context(job=job):
            tracing.link_span(record.tags)


def _root_tags(engine_id: str) -> dict[str, str]:
    root = {"resonate:origin": engine_id, "resonate:branch": engine_id, "resonate:parent": engine_id}
    return {**root, "resonate:scope": "global"}


async def answer[T](request: Awaitable[T], seconds: float | None = None) -> T:
    """What the engine answers within ``seconds``, else :data:`REQUEST_TIMEOUT`.

    Raises:
        EngineUnavailable: it does not answer, or answers that it cannot; or (EngineRefused) it refuses the token.
        ServerError: it refuses the request.
    """
    started, outcome = perf_counter(), "unavailable"
    try:
        # The SDK tries again for ever while the engine is down, so the bound must be ours.
        async with asyncio.timeout(REQUEST_TIMEOUT if seconds is None else seconds):
            value = await request
        outcome = "ok"
        return value
    except (TimeoutError, ConnectorError, DecodingError) as error:
        raise EngineUnavailable(f"the engine did not answer: {type(error).__name__}") from error
    except ServerError as error:
        if error.code in REFUSALS:
            outcome = "refused"
            raise EngineRefused(error.code) from error
        if error.code < 500:
            outcome = "ok" if error.code == 404 else "refused"
            raise
        raise EngineUnavailable(f"the engine answered {error.code}") from error
    finally:
        _measured(outcome).observe(perf_counter() - started)


def error_of(record: PromiseRecord) -> Failure:
    """The failure of a rejected promise, as its class where this process knows it."""
    return codec.failure_from_json(record.value.data)


def build(
    settings: ServiceSettings,
    namespace: Namespace,
    group: str,
    *,
    listens: bool,
    waits: bool = False,
    local: LocalConnection | None = None,
) -> EngineClient:
    """Make this process's client; it is started by `resonate.start()`, once functions are registered.

    A process that ``listens`` is sent work of its group. One that only ``waits`` is told of ends: it has `client.ends`,
    which it starts. Else it only sends, and holds no stream. ``local`` is an engine in this process, in the place
    of RESONATE_URL.
    """
    if local is not None:
        runs.forget()
        outstanding.forget()
        replays.forget()
    name = namespace.group(group)
    pid = f"{name}-{uuid.uuid4().hex}"
    clock = EngineClock()
    network, source = (local, local) if local is not None else _connections(settings, name, pid, clock)
    token = settings.resonate_token.get_secret_value() if settings.resonate_token else None
    heartbeat = None
    if listens and local is None:
        heartbeat = ThreadHeartbeat(lambda: _connections(settings, name, pid, clock)[0], pid, settings.lease, token)
    resonate = WorkerResonate(
        max_runs=settings.max_runs,
        function_share=settings.function_share,
        network=network,
        sources=[source] if listens else [],
        group=name,
        pid=pid,
        # In process nothing can take over a task, and the SDK sends no heartbeats there: a lease must not lapse.
        ttl=settings.lease if local is None else timedelta(days=1),
        heartbeat=heartbeat,
        retry_policy=STEP_RETRY,
        clock=clock.now_ms,
        observer=observe,
        env={},
        token=token,
        autostart=False,
    )
    codec.use(resonate)
    logging.getLogger("resonate.core").addFilter(is_fault)
    # The SDK has no public way to give it one.
    resonate._core.sender = resonate._core.fencing = TaskSender(resonate._transport, token)
    metrics.PROCESS.labels(namespace.name, group).set(1)
    heard = source if listens else None
    ends = Ends(source) if waits else None
    resonate.client = client = EngineClient(
        resonate, network, heard, namespace, group, clock, job_timeout=settings.job_timeout, ends=ends
    )
    return client


def _connections(settings: ServiceSettings, group: str, pid: str, clock: EngineClock) -> tuple[Network, Source]:
    url = required(settings.resonate_url, "RESONATE_URL")
    if url.startswith("postgres"):
        postgres = ResilientPostgres(url, pid=pid, group=group, clock=clock)
        return postgres, postgres
    token = settings.resonate_token.get_secret_value() if settings.resonate_token else None
    return http_connections(url, group=group, pid=pid, token=token, clock=clock)


def dependencies_of(client: EngineClient) -> Sequence[Any]:
    """What the runtime's own durable code asks for by type."""
    return [client, client.namespace, tracing.RootTraces(client.root_tags)]
