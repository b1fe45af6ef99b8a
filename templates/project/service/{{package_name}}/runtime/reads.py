"""What the API reads from: the service's database or a replica of it, in transactions that cannot write."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from .database import Database
from .errors import QueryTimedOut
from .settings import ServiceSettings

_TOO_LONG = (psycopg.errors.QueryCanceled, psycopg.errors.IdleInTransactionSessionTimeout)


class ReadDatabase(Database):
    """The database that queries read. It is away, too, while it is behind the migrations of this code.

    This process has at most DATABASE_POOL_SIZE connections to it, and one more that asks whether it is there. A request
    waits READ_TIMEOUT for one, and a statement may take as long.
    """

    effect = "queries are answered with 503"

    def __init__(self, url: str, settings: ServiceSettings, migrations: Path) -> None:
        super().__init__(url, settings)
        self._migrations: Path | None = migrations
        self._sessions = self._engine
        if self._turn is not None:  # SQLite
            for engine in (self._engine, self._probe):
                event.listen(engine.sync_engine, "connect", _refuse_writes)
        else:
            options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            self._sessions = self._engine.execution_options(**options)

    @staticmethod
    def pool_options(settings: ServiceSettings) -> dict[str, Any]:
        """As many connections as DATABASE_POOL_SIZE, and none beyond."""
        timeout = settings.read_timeout.total_seconds()
        return {"pool_size": settings.database_pool_size, "max_overflow": 0, "pool_timeout": timeout}

    @staticmethod
    def bounds(settings: ServiceSettings) -> dict[str, Any]:
        """Postgres's time-outs: that of a statement is READ_TIMEOUT."""
        idle = settings.database_statement_timeout
        return {"statement_timeout": settings.read_timeout, "idle_in_transaction_session_timeout": idle}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction that the database lets nothing be written in; all it reads is of one moment.

        Raises:
            RuntimeError: it was used to write.
            QueryTimedOut: a statement took longer than READ_TIMEOUT.
            Lost: the database is away, or its connection broke.
        """
        async with self._noting_loss():
            try:
                async with AsyncSession(self._sessions, autoflush=False) as session, session.begin():
                    yield session
            except DBAPIError as error:
                if _is_write(error.orig):
                    raise RuntimeError("a query writes, and the database refused it: write in a db function") from error
                if isinstance(error.orig, _TOO_LONG):
                    raise QueryTimedOut from error
                raise

    async def probe(self) -> None:
        """Read something; until it has been so once, see that all migrations of this code are there."""
        await super().probe()
        if self._migrations is not None:
            await self.check_schema(self._migrations)
            self._migrations = None

    async def watch(self) -> None:
        """Ask it at once, and from then on from time to time, until canceled."""
        await self.problem()
        await super().watch()


def _refuse_writes(connection: Any, _record: object) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA query_only=ON")


def _is_write(error: BaseException | None) -> bool:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
    return isinstance(error, psycopg.errors.ReadOnlySqlTransaction)
