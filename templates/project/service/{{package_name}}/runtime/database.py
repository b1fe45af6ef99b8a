"""The service's database, SQLite or Postgres by DATABASE_URL, and its migrations."""

import asyncio
import importlib.util
import logging
import os
import sqlite3
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Literal, Self

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import (
    JSON,
    URL,
    Connection,
    Engine,
    MetaData,
    NullPool,
    String,
    create_engine,
    event,
    func,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, ORMExecuteState, Session, mapped_column

from .columns import CONSTRAINT_NAMES, EXACT_TYPES, in_migrations
from .database_connections import OpenConnections, ask, is_lost, ping_after_idle
from .errors import DatabaseUnavailable, OperatorError, SchemaError
from .local_postgres import database_url_here
from .outages import Resource
from .settings import ServiceSettings, required
from .systems import keep_private

logger = logging.getLogger(__name__)

_ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}

_SQLITE_LOCK_SECONDS = 30.0  # where no settings say it
_MIGRATION_LOCK = int.from_bytes(b"migrates")
"""Postgres's number for the lock that a migration holds; each database has locks of its own."""

_READS_ONLY = "a session of `read` does not write: write in a db function's `once`, or in a session of `write`"

_writing: ContextVar["Database | None"] = ContextVar("writing", default=None)
_looking_only: ContextVar[bool] = ContextVar("looking only", default=False)


class RuntimeTables(DeclarativeBase):
    """The tables of the runtime. Yours are in `db/models.py`; migrations see both."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map = EXACT_TYPES


class Operation(RuntimeTables):
    """A write that was done: see `durable.once`."""

    __tablename__ = "operations"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))
    result: Mapped[Any] = mapped_column(JSON, nullable=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class _ReadingSession(Session):
    """A session that refuses to write: it has no transaction, so each statement would be committed by itself."""


@event.listens_for(_ReadingSession, "before_flush")
def _refuse_flush(session: Session, *_: Any) -> None:
    if session.new or session.dirty or session.deleted:
        raise RuntimeError(_READS_ONLY)


@event.listens_for(_ReadingSession, "do_orm_execute")
def _refuse_statement(statement: ORMExecuteState) -> None:
    if statement.is_insert or statement.is_update or statement.is_delete:
        raise RuntimeError(_READS_ONLY)


class Database(Resource):
    """An async SQLAlchemy engine with read and write sessions, as a context manager.

    Construct it in the process that uses it. The bounds of statements and locks are the settings'; without settings
    there are none but SQLite's wait of 30 s for its file.

    A session whose connection is lost raises :class:`~..outages.Lost`, for which a durable function waits without
    using up an attempt, instead of SQLAlchemy's error.
    """

    def __init__(self, url: str, settings: ServiceSettings | None = None) -> None:
        super().__init__("the database")
        parsed = database_url(url)
        options: dict[str, Any] = {"hide_parameters": True}
        if settings is not None:
            options |= self.pool_options(settings)
        self._url, self._bounds = parsed, self.bounds(settings) if settings else {}
        self._connections, self._probes = OpenConnections(), OpenConnections()
        self._engine = self._create_engine(options, self._connections)
        # One connection of its own: those of the pool may all be in use.
        single = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 1}
        self._probe = self._create_engine({**options, **single}, self._probes)
        self._turn: asyncio.Lock | None = None
        if parsed.get_backend_name() == "sqlite":
            for engine in (self._engine, self._probe):
                _prepare_sqlite(engine.sync_engine, settings.database_lock_timeout if settings else None)
            self._writer = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            self._reader = self._engine.execution_options(sqlite_begin=None)
            self._turn = asyncio.Lock()
        else:
            ping_after_idle(self._engine.sync_engine)
            self._writer, self._reader = self._engine, self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._file: os.stat_result | None = None

    def _create_engine(self, options: dict[str, Any], connections: OpenConnections) -> AsyncEngine:
        if self._url.get_backend_name() == "postgresql":
            arguments = _connect_arguments(self._url, self._bounds)
            options = {**options, "connect_args": {**arguments, "async_creator_fn": connections.connect}}
        return create_async_engine(self._url, **options)

    @staticmethod
    def pool_options(settings: ServiceSettings) -> dict[str, Any]:
        """How many connections a process keeps, and how long a run waits for one."""
        size = settings.database_pool_size
        return {"pool_size": size, "max_overflow": size, "pool_timeout": wait_for_connection(settings)}

    @staticmethod
    def bounds(settings: ServiceSettings) -> dict[str, timedelta]:
        """Postgres's time-outs. A transaction may be idle for as long as a statement may take: a process that was frozen
        in one would keep its locks.
        """
        return {
            "statement_timeout": settings.database_statement_timeout,
            "lock_timeout": settings.database_lock_timeout,
            "idle_in_transaction_session_timeout": settings.database_statement_timeout,
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop_looking()
        await self._probe.dispose()
        await self._engine.dispose()

    async def probe(self) -> None:
        """Read something. A lock on SQLite's file does not keep it from that."""
        await ask(self._probe, self._probes, "SELECT count(*) FROM sqlite_master" if self._turn else "SELECT 1")
        name = self._url.database
        if self._turn and name and name != ":memory:" and not name.startswith("file:"):
            self._check_file(name)

    def _check_file(self, path: str) -> None:
        """See that it is the file that was there: open connections stay with one that is moved away."""
        there = Path(path).stat()
        if self._file is None:
            self._file = there
        elif not os.path.samestat(there, self._file):
            raise OSError(f"{path} is another file than before: bring that back, or start this process again")

    def abort(self) -> None:
        """Break all connections that are open."""
        self._connections.abort()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session to read in, without a transaction: each statement sees what is committed when it begins.

        Raises:
            RuntimeError: it is used to write.
            Lost: the database is away, or its connection broke.
        """
        async with (
            self._noting_loss(),
            AsyncSession(self._reader, autoflush=False, sync_session_class=_ReadingSession) as session,
        ):
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end, rolled back by an exception.

        On SQLite it takes the write lock at once: one that begins to write after it has read can fail, whatever the
        time-out, when another wrote in between. The writers of this process queue for it, so none of them is timed out
        by the others.

        Raises:
            RuntimeError: it is opened inside another one, for which it would wait; or in :meth:`look_only`.
            Lost: the database is away, or its connection broke. Whether the transaction was committed is not known.
        """
        if _writing.get() is self:
            raise RuntimeError("a write inside a write would wait for itself: use the session that is open")
        if _looking_only.get():
            raise RuntimeError("it writes without `once`")
        entered = _writing.set(self)
        try:
            async with (
                self._noting_loss(),
                self._turn or nullcontext(),
                AsyncSession(self._writer) as session,
                session.begin(),
            ):
                yield session
        finally:
            _writing.reset(entered)

    @staticmethod
    @contextmanager
    def look_only() -> Iterator[None]:
        """Let this task write nothing, in any database, and `once` only say what is recorded."""
        entered = _looking_only.set(True)
        try:
            yield
        finally:
            _looking_only.reset(entered)

    @staticmethod
    def looks_only() -> bool:
        """Whether this task is in :meth:`look_only`."""
        return _looking_only.get()

    @asynccontextmanager
    async def _noting_loss(self) -> AsyncIterator[None]:
        self.check()
        began = monotonic()
        try:
            yield
        except (DBAPIError, PoolTimeout, sqlite3.Error) as error:
            if not is_lost(error):
                raise
            raise self.lost(error, began) from error

    async def check_schema(self, migrations: Path) -> None:
        """Compare the database with the migrations in a directory.

        One that is *ahead* will do: in a rolling deployment, and after a rollback, older code runs beside a newer
        database. See "Migrations" in docs/operating.md of resonate-scaffold.

        Raises:
            SchemaError: it is behind.
            DatabaseUnavailable: it cannot be reached.
        """
        script = ScriptDirectory(str(migrations))
        present = await asyncio.to_thread(_revisions, self._url)
        if ahead := _unknown(script, present):
            logger.warning("the database is ahead of this code: it is at migration %s", _shown(ahead))
        elif present != (wanted := set(script.get_heads())):
            raise SchemaError(
                f"the database is at migration {_shown(present)}, the code needs {_shown(wanted)}",
                "Run the command `migrate` first.",
            )


@dataclass(frozen=True, slots=True)
class OpenDatabase:
    """A worker's dependency: the :class:`Database` at DATABASE_URL, which must be at the latest of ``migrations``."""

    migrations: Path

    @asynccontextmanager
    async def __call__(self, settings: ServiceSettings) -> AsyncIterator[Database]:
        """Open it for as long as the worker runs."""
        async with Database(required(settings.database_url, "DATABASE_URL"), settings) as database:
            await database.check_schema(self.migrations)
            watching = asyncio.create_task(database.watch())
            try:
                yield database
            finally:
                watching.cancel()
                await asyncio.wait({watching})


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


def wait_for_connection(settings: ServiceSettings) -> float | None:
    """Seconds that a run waits for a connection, None without end: until the runs before it had theirs.

    MAX_RUNS may be more than there are connections. Each run that is before it in the queue may take a statement's
    whole time.
    """
    statement = settings.database_statement_timeout.total_seconds()
    rounds = ceil(settings.max_runs / (2 * settings.database_pool_size))
    return rounds * statement if statement else None


def migrate(url: str, migrations: Path, lock_timeout: timedelta | None = None) -> bool:
    """Bring a database up to the latest migration: all that is missing, or nothing. Blocking.

    Run it once per deployment, first. Several at a time do it one after the other. Returns False where the database is
    ahead of this code: it is left as it is.

    Raises:
        SchemaError: a migration failed; the database is as it was.
        DatabaseUnavailable: it cannot be reached.
    """
    config = _alembic(url, migrations, lock_timeout)
    with _explained(migrations):
        command.upgrade(config, "head")
    return not config.attributes["ahead"]


def downgrade(url: str, migrations: Path, revision: str, lock_timeout: timedelta | None = None) -> None:
    """Take a database back to an earlier migration: its name, `-1` for the one before, or `base` for none. Blocking.

    Raises:
        SchemaError: it cannot go there; the database is as it was.
        DatabaseUnavailable: it cannot be reached.
    """
    config = _alembic(url, migrations, lock_timeout)
    with _explained(migrations):
        command.downgrade(config, revision)
    if ahead := config.attributes["ahead"]:
        raise SchemaError(
            f"the database is at migration {_shown(ahead)}, which this code does not have",
            "Take it back with the code that brought it there.",
        )


def run_migrations(tables: MetaData, settings: type[ServiceSettings]) -> None:
    """What a service's `migrations/env.py` runs: migrate the database that the caller named, else DATABASE_URL.

    All migrations are one transaction, on SQLite too. Migrations use a synchronous connection: both databases have a
    driver for it.
    """
    given = context.config.attributes
    try:
        _run_migrations(given.get("url") or database_url_here(settings()), tables, given)
    except OperatorError as error:
        if "ahead" in given:  # It was :func:`migrate` that asked.
            raise
        raise CommandError(str(error)) from None  # What Alembic's own commands show without a traceback.


def _run_migrations(url: str, tables: MetaData, given: dict[Any, Any]) -> None:
    with _synchronous(url, given.get("lock_timeout"), foreign_keys="OFF") as connection:
        _wait_for_other_migrations(connection)
        context.configure(
            connection=connection,
            target_metadata=_merged(tables, RuntimeTables.metadata),
            render_as_batch=True,
            render_item=_render_type,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            ahead = _unknown(context.script, set(context.get_context().get_current_heads()))
            if "ahead" in given and ahead:
                given["ahead"] = ahead
                return
            broken = _broken_references(connection)
            context.run_migrations()
            if new := _broken_references(connection) - broken:
                table, referred = min(new)
                raise SchemaError(
                    f"{new.total()} rows have a foreign key that leads nowhere, such as from {table} to {referred}",
                    "The database is as it was. Let the migration correct such rows first.",
                )


def seed(url: str, package: str) -> bool:
    """Run `seed(session)` of ``<package>.db.seed`` in one transaction: rows for development and tests. Blocking.

    Returns False where the service has no such module.
    """
    if importlib.util.find_spec(f"{package}.db.seed") is None:
        return False
    with _synchronous(url) as connection, Session(connection) as session, session.begin():
        importlib.import_module(f"{package}.db.seed").seed(session)
    return True


def synchronous_url(url: str | URL) -> URL:
    """A URL with a synchronous driver: the standard library's for SQLite, psycopg 3."""
    parsed = database_url(url)
    return parsed.set(drivername="sqlite") if parsed.get_backend_name() == "sqlite" else parsed


@contextmanager
def _synchronous(
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
        _prepare_sqlite(engine, lock_timeout, foreign_keys)
    else:
        arguments = _connect_arguments(parsed, {} if lock_timeout is None else {"lock_timeout": lock_timeout})
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


def _alembic(url: str, migrations: Path, lock_timeout: timedelta | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes |= {"url": url, "lock_timeout": lock_timeout, "ahead": set()}
    return config


@contextmanager
def _explained(migrations: Path) -> Iterator[None]:
    """Say in two lines what keeps migrations from running."""
    try:
        yield
    except CommandError as error:
        raise SchemaError(
            f"the migrations cannot run: {_first_line(error)}",
            "`alembic heads` and `alembic history` show them; two heads become one by `alembic merge heads`.",
        ) from None
    except DBAPIError as error:
        calls = traceback.extract_tb(error.__traceback__)
        own = [it for it in calls if Path(it.filename).parent == migrations / "versions"]
        where = f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else "a migration"
        raise SchemaError(
            f"{where} failed: {_first_line(error.orig)}",
            "The database is as it was. Correct what is wrong, and run it again.",
        ) from None


def _wait_for_other_migrations(connection: Connection) -> None:
    """On Postgres, take the lock of migrations; it ends with the connection. SQLite has it with its transaction.

    It is asked for again and again: a session that waits for a lock would keep `CREATE INDEX CONCURRENTLY` waiting.
    """
    if connection.dialect.name != "postgresql":
        return
    attempt, said = text("SELECT pg_try_advisory_lock(:lock)"), False
    while not connection.scalar(attempt, {"lock": _MIGRATION_LOCK}):
        connection.rollback()
        if not said:
            logger.warning("the database is being migrated by another process: waiting for it")
            said = True
        sleep(0.2)
    connection.commit()


def _broken_references(connection: Connection) -> Counter[tuple[str, str]]:
    """How many rows of SQLite refer to none, by (table, referred table). Postgres refuses such by itself."""
    if connection.dialect.name != "sqlite":
        return Counter()
    return Counter(
        (table, referred) for table, _, referred, _ in connection.exec_driver_sql("PRAGMA foreign_key_check")
    )


def _merged(tables: MetaData, more: MetaData) -> MetaData:
    """All tables in one, which names constraints as the first does: also those of migrations written by hand."""
    merged = MetaData(naming_convention=tables.naming_convention)
    for table in (*tables.sorted_tables, *more.sorted_tables):
        table.to_metadata(merged)
    return merged


def _render_type(kind: str, value: Any, _context: object) -> str | Literal[False]:
    """How a generated migration writes a type of the runtime: as plain SQLAlchemy, which stays as it is."""
    return (kind == "type" and in_migrations(value)) or False


def _revisions(url: URL) -> set[str]:
    with _synchronous(url, begin="BEGIN") as connection:
        return set(MigrationContext.configure(connection).get_current_heads())


def _unknown(script: ScriptDirectory, revisions: set[str]) -> set[str]:
    """Those that are none of the code's migrations: a newer version of it has made them."""
    return revisions - {it.revision for it in script.walk_revisions()} if revisions else set()


def _shown(revisions: set[str]) -> str:
    return ", ".join(sorted(revisions)) or "none"


def _unavailable(url: URL, error: Exception) -> DatabaseUnavailable:
    where = URL.create(url.get_backend_name(), host=url.host, port=url.port, database=url.database)
    reason = _first_line(getattr(error, "orig", None) or error)
    if url.get_backend_name() == "sqlite":
        remedy = "Correct DATABASE_URL: its directory must be there, and this user must be able to write in it."
    else:
        remedy = "Start it, or correct DATABASE_URL. Where that is empty, `resonate-scaffold dev` starts one."
    return DatabaseUnavailable(f"the database {where} cannot be reached: {reason}", remedy)


def _first_line(error: object) -> str:
    return (str(error).splitlines() or ["no reason given"])[0].rstrip(":")


def _connect_arguments(url: URL, bounds: Mapping[str, timedelta]) -> dict[str, Any]:
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


def _prepare_sqlite(engine: Engine, lock_timeout: timedelta | None, foreign_keys: str = "ON") -> None:
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
