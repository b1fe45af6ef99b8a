"""Connections to the service's database: how they are opened, which errors say that one is lost, and how hanging ones are
broken.
"""

import asyncio
import contextlib
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from weakref import WeakSet

import psycopg
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from .errors import DatabaseUnavailable, SchemaError
from .systems import keep_private

PROBE_TIMEOUT = 3.0
"""Seconds that the database has to answer a probe."""

IDLE = 1.0
"""Seconds without use after which a connection is asked whether it is one still, before its next use."""

_ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}

_SQLITE_LOCK_SECONDS = 30.0  # where no settings say it

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


def database_url(url: str | URL) -> URL:
    """A URL with the driver that the service uses: aiosqlite, or psycopg 3.

    Raises:
        ValueError: it is of another kind of database.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend not in _ASYNC_DRIVERS:
        raise ValueError("DATABASE_URL must begin with sqlite:/// or postgresql://")
    return parsed.set(drivername=_ASYNC_DRIVERS[backend])


def synchronous_url(url: str | URL) -> URL:
    """A URL with a synchronous driver: the standard library's for SQLite, psycopg 3."""
    parsed = database_url(url)
    return parsed.set(drivername="sqlite") if parsed.get_backend_name() == "sqlite" else parsed


@contextmanager
def connected(
    url: str | URL, lock_timeout: timedelta | None = None, *, foreign_keys: str = "ON", begin: str = "BEGIN IMMEDIATE"
) -> Iterator[Connection]:
    """A connection of its own. ``foreign_keys`` and ``begin`` are how SQLite opens it and its transactions.

    Raises:
        DatabaseUnavailable: it cannot be opened.
        SchemaError: it keeps no UTF-8.
    """
    parsed = synchronous_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, poolclass=NullPool, execution_options={"sqlite_begin": begin})
        prepare_sqlite(engine, lock_timeout, foreign_keys)
    else:
        arguments = connect_arguments(parsed, {} if lock_timeout is None else {"lock_timeout": lock_timeout})
        engine = create_engine(parsed, poolclass=NullPool, connect_args=arguments)
        event.listen(engine, "connect", _check_encoding, insert=True)
    try:
        connection = engine.connect()
    except (DBAPIError, sqlite3.Error) as error:
        raise _unavailable(parsed, error) from None
    with connection:
        yield connection


def _check_encoding(connection: Any, _record: object) -> None:
    """Refuse a Postgres that does not keep every text: SQLAlchemy would be given bytes, or fail at some values."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        name = connection.info.dbname
        connection.close()
        raise SchemaError(
            f"DATABASE_URL: the encoding of the database {name} is {encoding}, and must be UTF8",
            f"Make another: CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0",
        )


def _unavailable(url: URL, error: Exception) -> DatabaseUnavailable:
    where = URL.create(url.get_backend_name(), host=url.host, port=url.port, database=url.database)
    reason = first_line(getattr(error, "orig", None) or error)
    if url.get_backend_name() == "sqlite":
        remedy = "Correct DATABASE_URL: its directory must be there, and this user must be able to write in it."
    else:
        remedy = "Start it, or correct DATABASE_URL. Where that is empty, `resonate-scaffold dev` starts one."
    return DatabaseUnavailable(f"the database {where} cannot be reached: {reason}", remedy)


def connect_arguments(url: URL, bounds: Mapping[str, timedelta]) -> dict[str, Any]:
    """Arguments of a connection to Postgres: its bounds, and when it counts as dead. What the URL says itself holds."""
    given = url.query.get("options", "")
    options = [f"-c {name}={int(bound.total_seconds() * 1000)}" for name, bound in bounds.items()]
    # Of two values for one name the last one holds.
    options.append(given if isinstance(given, str) else " ".join(given))
    alive = {
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,  # ms in which what was sent must have arrived
    }
    alive = {name: value for name, value in alive.items() if name not in url.query}
    return {**alive, "options": " ".join(filter(None, options))}


def prepare_sqlite(engine: Engine, lock_timeout: timedelta | None, foreign_keys: str = "ON") -> None:
    """WAL, so that readers do not stop a writer; and transactions that begin where SQLAlchemy says, not later."""
    seconds = _SQLITE_LOCK_SECONDS if lock_timeout is None else lock_timeout.total_seconds()

    @event.listens_for(engine, "do_connect")
    def open_file(_dialect: object, _record: object, arguments: Any, _options: object) -> None:
        path = str(arguments[0])
        # It holds what requests held. SQLite gives the files beside it the same permissions.
        if path not in ("", ":memory:") and not path.startswith("file:"):
            keep_private(Path(path))

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        waits = f"busy_timeout={int(seconds * 1000)}"
        pragmas = (waits, "journal_mode=WAL", "synchronous=NORMAL", f"foreign_keys={foreign_keys}")
        try:
            with closing(connection.cursor()) as cursor:
                for pragma in pragmas:
                    cursor.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()  # It has a thread.
            raise

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        statement = options.get("sqlite_begin", "BEGIN")
        if statement and options.get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql(statement)


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


def first_line(error: object) -> str:
    return (str(error).splitlines() or ["no reason given"])[0].rstrip(":")
