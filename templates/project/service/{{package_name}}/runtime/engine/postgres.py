"""Postgres as the engine (resonate-pg): requests and work over one connection object."""

import asyncio
import json
import logging
from time import monotonic, time
from typing import Any

from psycopg import AsyncConnection, ConnectionInfo
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import InsufficientPrivilege, InterfaceError, OperationalError
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from resonate.error import ConnectorError
from resonate.retry import ExponentialBackoff
from resonate_pg import PostgresConnection
from resonate_pg.client import PgConn, PsycopgSessions

from ..errors import OperatorError
from .clock import EngineClock
from .connections import TRY_TIMEOUT

logger = logging.getLogger(__name__)

_REQUEST = "SELECT resonate.resonate_rpc(%s::text::jsonb)::text, extract(epoch FROM clock_timestamp())::float8"

SCHEMA_IS_THERE = "SELECT (to_regclass('resonate.promises') IS NOT NULL)::int"

INDEXES = ("service_due_promises", "service_runs", "service_runs_of_callers")
"""The names of the indexes of `upkeep.prepare`."""

# Which of them the database has, whole.
PREPARED = """
SELECT coalesce(array_agg(c.relname::text), '{}') FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = to_regnamespace('resonate') AND c.relname = ANY (%s::text[]) AND i.indisvalid
"""

_STATES = ("pending", "resolved", "rejected", "rejected_canceled", "rejected_timedout")

# Whether a timer of the engine is due, by the indexes of its tables. The function says once more what is before it, for the
# index of `upkeep.prepare`, which has no promises that ended jobs left open.
_DUE = """
SELECT EXISTS (
        SELECT FROM resonate.promises
        WHERE state = 'pending' AND external AND timeout_at <= t.now AND resonate._promise_timed(promises))
    OR EXISTS (SELECT FROM resonate.tasks WHERE state IN ('pending', 'acquired') AND timeout_at <= t.now)
    OR EXISTS (SELECT FROM resonate.schedules WHERE next_run_at <= t.now)
FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) t
"""

# libpq's names. A connection whose other side is gone ends within a minute, one that carries a request within TRY_TIMEOUT.
_KEEP_ALIVE = {
    "connect_timeout": str(int(TRY_TIMEOUT / 2)),
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": str(int(TRY_TIMEOUT * 1000)),
}


def with_keep_alive(url: str) -> str:
    """What libpq needs to notice a connection that is gone, besides what the URL says; the URL's own words hold."""
    return make_conninfo(
        url, **{name: value for name, value in _KEEP_ALIVE.items() if name not in conninfo_to_dict(url)}
    )


class IndexedSessions(PsycopgSessions):
    """Connections whose plans never read a whole table where there is an index.

    A connection keeps the plan of a statement in the engine's functions for as long as the table's statistics stand: one
    that was made while the tables were empty reads each of them as a whole, for each heartbeat, until Postgres's
    autovacuum has seen that they have grown, a minute later at best.
    """

    async def _ensure_pool(self) -> AsyncConnectionPool:
        if self._pool is None:
            async with self._lock:
                if self._pool is None:
                    pool = AsyncConnectionPool(
                        self._conninfo,
                        min_size=self._min_size,
                        max_size=self._max_size,
                        open=False,
                        configure=_use_indexes,
                    )
                    await pool.open()
                    self._pool = pool
        return self._pool


def check_encoding(info: ConnectionInfo) -> None:
    """Refuse a database that does not keep every text.

    Raises:
        OperatorError: it is such a one.
    """
    if (encoding := info.parameter_status("server_encoding")) != "UTF8":
        raise OperatorError(
            f"RESONATE_URL: the encoding of the engine's database is {encoding}, and must be UTF8",
            "Make another: CREATE DATABASE engine ENCODING 'UTF8' TEMPLATE template0",
        )


async def _use_indexes(connection: AsyncConnection[Any]) -> None:
    try:
        check_encoding(connection.info)
    except OperatorError as error:
        logger.error("%s", error.problem)
        raise OperationalError(error.problem) from None
    await connection.set_autocommit(True)
    for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"):
        await connection.execute("SELECT set_config(%s, 'off', false)", (setting,))
    await connection.set_autocommit(False)


class ResilientPostgres(PostgresConnection):
    """A connection to resonate-pg that goes on after errors; ``connected`` says whether work arrives.

    The connector raises a lost connection into the code of a workflow. Here each try of a request has
    :data:`~.connections.TRY_TIMEOUT`, and one that fails for Postgres's sake is made again until it is answered or this
    is stopped. ``clock`` is told the engine's time.

    After one failed session the connector never drives its timers again, and without pg_cron nothing would time out or
    be retried any more. Here they are tried again after a pause. And it has the engine look for what is due before each
    fetch of messages, which reads every promise: here they are asked for at most once a tick, by the indexes, and the
    engine's function runs where something is due.
    """

    _BACKOFF = ExponentialBackoff(initial=0.2, max_delay=5)
    _PAUSE = 5.0
    _STALE = 10.0
    _resume_at = 0.0
    _timers_run = True
    _drained_at = float("-inf")
    _paused = False

    @property
    def connected(self) -> bool:
        """Whether both tasks live, messages were fetched lately, and the timers run."""
        alive = bool(self._tasks) and not any(task.done() for task in self._tasks)
        return alive and self._timers_run and monotonic() - self._drained_at < self._STALE

    def __init__(self, url: str | None = None, *, clock: EngineClock | None = None, **options: Any) -> None:
        if url is not None:
            options["sessions"] = IndexedSessions(with_keep_alive(url))
        super().__init__(**options)
        self._clock = clock or EngineClock()
        self._stop_event = asyncio.Event()
        self._tries: set[asyncio.Task[str]] = set()

    async def stop(self) -> None:
        """Release the connections; a request that waits for its next try fails now."""
        self._stop_event.set()
        await super().stop()

    async def send(self, req: str, headers: dict[str, str] | None = None) -> str:
        """What the engine answers to a request.

        Raises:
            ConnectorError: this was stopped, or has not been started and the first try failed, or Postgres refuses it.
        """
        attempt = 0
        while not self._stopped:
            try:
                return await self._try_within(TRY_TIMEOUT, req)
            except (OperationalError, InterfaceError, PoolTimeout, TimeoutError, OSError) as error:
                if self._stopped:
                    break
                if not self._running:
                    raise ConnectorError(error) from error
                why = str(error).partition("\n")[0] or type(error).__name__  # libpq goes on about what it may mean.
                logger.warning("the engine does not answer, asking again: %s", why)
            except Exception as error:
                raise ConnectorError(error) from error
            await self._sleep_or_stop(self._BACKOFF.delay(attempt))
            attempt += 1
        raise ConnectorError(RuntimeError("the connection to the engine has been stopped"))

    async def _try_within(self, seconds: float, req: str) -> str:
        trying = asyncio.create_task(self._try(req))
        self._tries.add(trying)
        trying.add_done_callback(self._forget)
        try:
            done, _ = await asyncio.wait({trying}, timeout=seconds)
            if not done:
                raise TimeoutError
            return trying.result()
        finally:
            trying.cancel()  # psycopg takes up to ten seconds to give a query up: nobody waits for that.

    def _forget(self, tried: asyncio.Task[str]) -> None:
        self._tries.discard(tried)
        if not tried.cancelled():
            tried.exception()

    async def _try(self, req: str) -> str:
        async with self._sessions.session() as session:
            sent = time()
            cursor = await session.execute(_REQUEST, (req,))
            row = await cursor.fetchone()
            received = time()
        if row is None or row[0] is None:
            raise RuntimeError("resonate.resonate_rpc returned no row")
        self._clock.note(row[1], row[1], sent=sent, received=received)
        return str(row[0])

    async def _sleep_or_stop(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop_event.wait()
        except TimeoutError:
            return

    async def _drain(self) -> None:
        await super()._drain()
        self._drained_at = monotonic()

    async def pause(self) -> None:
        """Take no work from the queue, until :meth:`resume`; the engine's timers run on."""
        self._paused = True

    def resume(self) -> None:
        """Take work again, what has come meanwhile included."""
        self._paused = False
        self._wake.set()

    async def _dequeue_executes(self, conn: PgConn, address: str) -> list[str]:
        return [] if self._paused else await super()._dequeue_executes(conn, address)

    async def _fire_timers(self) -> None:
        if not self._drive_timers or monotonic() < self._resume_at:
            return
        self._resume_at = monotonic() + self._tick
        try:
            async with self._sessions.session() as session:
                row = await (await session.execute(_DUE)).fetchone()
                if row is not None and row[0]:
                    await session.execute("SELECT resonate.process_timeouts()")
            self._timers_run = True
        except InsufficientPrivilege:
            self._drive_timers = False
            logger.info("this role may not drive the engine's timers: pg_cron must")
        except Exception as error:
            self._timers_run, self._resume_at = False, monotonic() + self._PAUSE
            logger.warning("engine timers failed, trying again in %s s: %s", self._PAUSE, error)

    async def is_prepared(self) -> bool:
        """Whether the database has the indexes that keep the engine quick.

        Raises:
            ConnectorError: Postgres does not answer.
        """
        try:
            async with self._sessions.session() as session:
                row = await (await session.execute(PREPARED, (list(INDEXES),))).fetchone()
                return bool(row and set(row[0]) == set(INDEXES))
        except Exception as error:
            raise ConnectorError(error) from error

    async def schedule_ids(self, prefix: str) -> set[str] | None:
        """The ids of the schedules that begin with ``prefix``; None where this role may not read the table.

        resonate-pg answers `schedule.search` with 501, and its role for workers reads no table.
        """
        rows = await self._texts("SELECT id FROM resonate.schedules WHERE starts_with(id, %s)", prefix)
        return None if rows is None else set(rows)

    async def resolved_promises(self, target: str, after: str, limit: int) -> list[str] | None:
        """Records of resolved promises of a target as JSON, by id from ``after`` on; None where this role may not."""
        statement = (
            "SELECT resonate._promise_json_raw(p)::text FROM resonate.promises p "
            "WHERE p.target = %s AND p.state = 'resolved' AND p.id > %s ORDER BY p.id LIMIT %s"
        )
        return await self._texts(statement, target, after, limit)

    async def run_records(
        self,
        tags: dict[str, str],
        states: tuple[str | None, ...],
        since: int,
        before: tuple[int, str],
        limit: int,
    ) -> list[str] | None:
        """Records of runs with these tags as JSON, the newest first; None where this role may not read them.

        Those that began from ``since`` on (Unix ms) and stand behind ``before``, which is such a moment and an id.
        """
        each = _STATES if states == (None,) else states
        # Of each state the newest: then one index has them in their order.
        is_of_caller = "AND tags ? 'run:caller' AND tags->>'run:caller' = %s " if "run:caller" in tags else ""
        part = (
            "(SELECT * FROM resonate.promises WHERE tags ? 'run:service' AND tags->>'run:service' = %s AND state = %s "
            f"{is_of_caller}AND created_at >= %s AND (created_at, id) < (%s, %s) AND tags @> %s::jsonb "
            "ORDER BY created_at DESC, id DESC LIMIT %s)"
        )
        statement = (
            "SELECT jsonb_build_object('id', id, 'state', state, 'tags', tags, 'timeoutAt', timeout_at, "
            "'createdAt', created_at, 'settledAt', settled_at, "
            "'param', jsonb_build_object('data', param_data), 'value', jsonb_build_object('data', value_data))::text "
            f"FROM ({' UNION ALL '.join([part] * len(each))}) p ORDER BY created_at DESC, id DESC LIMIT %s"
        )
        wanted = json.dumps(tags)
        arguments: list[Any] = []
        for state in each:
            caller = [tags["run:caller"]] if is_of_caller else []
            arguments += [tags["run:service"], state, *caller, since, *before, wanted, limit]
        return await self._texts(statement, *arguments, limit)

    async def _texts(self, statement: str, *arguments: Any) -> list[str] | None:
        """The first column of what a statement reads; None where this role may not read it.

        Raises:
            ConnectorError: Postgres does not answer.
        """
        try:
            async with self._sessions.session() as session:
                cursor = await session.execute(statement, arguments)
                return [str(row[0]) for row in await cursor.fetchall()]
        except InsufficientPrivilege:
            return None
        except Exception as error:
            raise ConnectorError(error) from error

    async def stop_listening(self) -> None:
        """Take no more work; the connection stays for what runs."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
