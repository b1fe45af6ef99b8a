"""Connections to the service's database that are lost: which errors say so, and how hanging ones are broken."""

import asyncio
import contextlib
import socket
import sqlite3
from time import monotonic
from typing import Any
from weakref import WeakSet

import psycopg
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

PROBE_TIMEOUT = 3.0
"""Seconds that the database has to answer a probe."""

IDLE = 1.0
"""Seconds without use after which a connection is asked whether it is one still, before its next use."""

# Of Postgres: the server stops, starts, has crashed, has no connection or no room left, or is a standby that only reads.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_AWAY_STATES = {"57P01", "57P02", "57P03", "53100", "53200", "53300", "25006", "3D000"}
_AWAY_CLASSES = {"08", "28"}

# Of SQLite: another process has the file locked, or the file or its disk does not take what is written.
_AWAY_CODES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
}


def is_lost(error: BaseException) -> bool:
    """Whether an error says that the database is away, and nothing of what was asked of it.

    What one statement causes itself is not among them: a time-out, a lock, a deadlock.
    """
    if isinstance(error, PoolTimeout):
        return True  # The connections of this process hang, or other runs have them all.
    found = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(found, sqlite3.Error):
        return getattr(found, "sqlite_errorcode", 0) & 0xFF in _AWAY_CODES
    if not isinstance(found, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    if found.sqlstate is not None:
        return found.sqlstate in _AWAY_STATES or found.sqlstate[:2] in _AWAY_CLASSES
    # Without a state it is psycopg itself that speaks: it found no server, or the connection broke.
    is_invalid = isinstance(error, DBAPIError) and error.connection_invalidated
    return is_invalid or isinstance(found, psycopg.OperationalError)


def ping_after_idle(engine: Engine) -> None:
    """Ask a connection of the pool whether it is one still, where nobody has used it for :data:`IDLE` seconds.

    SQLAlchemy's `pool_pre_ping` asks each time, which is a statement more for each that is made. A connection that broke
    just now is noticed by the statement itself, and costs no attempt.
    """

    @event.listens_for(engine, "checkin")
    def note(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = monotonic()

    @event.listens_for(engine, "checkout")
    def ask_if_idle(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if monotonic() - record.info.get("used_at", monotonic()) < IDLE:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise InvalidatePoolError from error  # The pool connects anew, also for its other connections.


class OpenConnections:
    """The connections of one SQLAlchemy engine to a Postgres, those included that are just being made."""

    def __init__(self) -> None:
        self._open: WeakSet[psycopg.AsyncConnection[Any]] = WeakSet()
        self._connecting: set[asyncio.Task[psycopg.AsyncConnection[Any]]] = set()

    async def connect(self, *args: Any, **kwargs: Any) -> psycopg.AsyncConnection[Any]:
        """Open one: what the engine takes as its `async_creator_fn`."""
        connecting = asyncio.create_task(psycopg.AsyncConnection.connect(*args, **kwargs))
        self._connecting.add(connecting)
        try:
            await asyncio.wait({connecting})
        finally:
            self._connecting.discard(connecting)
            connecting.cancel()
        if connecting.cancelled():
            raise psycopg.OperationalError("the connection was given up: the server did not answer")
        connection = connecting.result()
        self._open.add(connection)
        return connection

    def abort(self) -> None:
        """Shut their sockets: what waits for an answer gets an error at once.

        Canceling it would not do: psycopg first asks the server to stop the statement, which takes ten seconds where
        the server cannot be reached.
        """
        for connecting in list(self._connecting):
            connecting.cancel()
        for connection in list(self._open):
            with contextlib.suppress(OSError, psycopg.Error):  # It was closed meanwhile.
                _shut(connection.fileno())


def _shut(fileno: int) -> None:
    with socket.fromfd(fileno, socket.AF_INET, socket.SOCK_STREAM) as duplicate:  # The family is not looked at.
        duplicate.shutdown(socket.SHUT_RDWR)


async def ask(engine: AsyncEngine, connections: OpenConnections, statement: str) -> None:
    """Run a statement, within two times :data:`PROBE_TIMEOUT`: on the connection that is there, then on a new one.

    Raises:
        TimeoutError: there is no answer.
        DBAPIError: it cannot be connected to.
    """
    try:
        await _ask_once(engine, connections, statement)
    except (TimeoutError, DBAPIError, sqlite3.Error):
        await engine.dispose()
        await _ask_once(engine, connections, statement)


async def _ask_once(engine: AsyncEngine, connections: OpenConnections, statement: str) -> None:
    async def execute() -> None:
        async with engine.connect() as connection:
            await connection.execute(text(statement))

    asking = asyncio.create_task(execute())
    try:
        await asyncio.wait({asking}, timeout=PROBE_TIMEOUT)
        if asking.done():
            return asking.result()
    finally:
        if not asking.done():
            # Not canceled: SQLite's driver may then never end, nor the process. It is quick, and Postgres is cut off here.
            connections.abort()
            asking.add_done_callback(_forget)
            await asyncio.wait({asking}, timeout=PROBE_TIMEOUT)
    raise TimeoutError(f"it does not answer within {PROBE_TIMEOUT:.0f} s")


def _forget(asking: asyncio.Task[None]) -> None:
    if not asking.cancelled():
        asking.exception()
