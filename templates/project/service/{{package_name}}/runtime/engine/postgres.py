"""Postgres as the engine (resonate-pg): requests and work over one connection object."""

import asyncio
import logging
from time import monotonic

from psycopg.errors import InsufficientPrivilege
from resonate.error import ConnectorError
from resonate_pg import PostgresConnection
from resonate_pg.client import PgConn

logger = logging.getLogger(__name__)


class ResilientPostgres(PostgresConnection):
    """A connection to resonate-pg whose timers survive an error; ``connected`` says whether work arrives.

    After one failed session the connector never drives its timers again, and without pg_cron nothing would time out or
    be retried any more. Here they are tried again after a pause.
    """

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
        try:
            async with self._sessions.session() as session:
                await session.execute("SELECT resonate.process_timeouts()")
            self._timers_run = True
        except InsufficientPrivilege:
            self._drive_timers = False
            logger.info("this role may not drive the engine's timers: pg_cron must")
        except Exception as error:
            self._timers_run, self._resume_at = False, monotonic() + self._PAUSE
            logger.warning("engine timers failed, trying again in %s s: %s", self._PAUSE, error)

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

    async def resolved_promises(self, target: str, after: str, limit: int) -> list[str] | None:
        """Records of resolved promises of a target as JSON, by id from ``after`` on; None where this role may not."""
        statement = (
            "SELECT resonate._promise_json_raw(p)::text FROM resonate.promises p "
            "WHERE p.target = %s AND p.state = 'resolved' AND p.id > %s ORDER BY p.id LIMIT %s"
        )
        try:
            async with self._sessions.session() as session:
                cursor = await session.execute(statement, (target, after, limit))
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
