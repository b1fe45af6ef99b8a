"""The service's database, SQLite or Postgres by DATABASE_URL: sessions, and the tables of the runtime."""

import asyncio
import importlib.util
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from time import monotonic
from typing import Any, Self

from sqlalchemy import JSON, MetaData, String, event, func
from sqlalchemy.exc import DBAPIError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, ORMExecuteState, Session, mapped_column

from .columns import CONSTRAINT_NAMES, EXACT_TYPES
from .database_connections import (
    OpenConnections,
    ask,
    connect_arguments,
    connected,
    database_url as database_url,
    is_lost,
    ping_after_idle,
    prepare_sqlite,
    synchronous_url as synchronous_url,
)
from .local_postgres import database_url_here
from .migrations import check_schema, downgrade as downgrade, migrate as migrate, run
from .outages import Resource
from .settings import ServiceSettings, required

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
                prepare_sqlite(engine.sync_engine, settings.database_lock_timeout if settings else None)
            self._writer = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            self._reader = self._engine.execution_options(sqlite_begin=None)
            self._turn = asyncio.Lock()
        else:
            ping_after_idle(self._engine.sync_engine)
            self._writer, self._reader = self._engine, self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._file: os.stat_result | None = None

    def _create_engine(self, options: dict[str, Any], connections: OpenConnections) -> AsyncEngine:
        if self._url.get_backend_name() == "postgresql":
            arguments = connect_arguments(self._url, self._bounds)
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

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Self]:
        """Open it, and ask it from time to time while the block runs; then close it."""
        async with self:
            watching = asyncio.create_task(self.watch())
            try:
                yield self
            finally:
                watching.cancel()
                await asyncio.wait({watching})

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
        """Compare the database with the migrations in a directory: see :func:`~.migrations.check_schema`."""
        await check_schema(self._url, migrations)


@dataclass(frozen=True, slots=True)
class OpenDatabase:
    """A worker's dependency: the :class:`Database` at DATABASE_URL, which must be at the latest of ``migrations``."""

    migrations: Path

    @asynccontextmanager
    async def __call__(self, settings: ServiceSettings) -> AsyncIterator[Database]:
        """Open it for as long as the worker runs."""
        async with Database(required(settings.database_url, "DATABASE_URL"), settings).watched() as database:
            await database.check_schema(self.migrations)
            yield database


def wait_for_connection(settings: ServiceSettings) -> float | None:
    """Seconds that a run waits for a connection, None without end: until the runs before it had theirs.

    MAX_RUNS may be more than there are connections. Each run that is before it in the queue may take a statement's
    whole time.
    """
    statement = settings.database_statement_timeout.total_seconds()
    rounds = ceil(settings.max_runs / (2 * settings.database_pool_size))
    return rounds * statement if statement else None


def run_migrations(tables: MetaData, settings: type[ServiceSettings]) -> None:
    """What a service's `migrations/env.py` runs: migrate the database that the caller named, else DATABASE_URL.

    All migrations are one transaction, on SQLite too. Migrations use a synchronous connection: both databases have a
    driver for it.
    """
    run(_merged(tables, RuntimeTables.metadata), lambda: database_url_here(settings()))


def seed(url: str, package: str) -> bool:
    """Run `seed(session)` of ``<package>.db.seed`` in one transaction: rows for development and tests. Blocking.

    Returns False where the service has no such module.
    """
    if importlib.util.find_spec(f"{package}.db.seed") is None:
        return False
    with connected(url) as connection, Session(connection) as session, session.begin():
        importlib.import_module(f"{package}.db.seed").seed(session)
    return True


def _merged(tables: MetaData, more: MetaData) -> MetaData:
    """All tables in one, which names constraints as the first does: also those of migrations written by hand."""
    merged = MetaData(naming_convention=tables.naming_convention)
    for table in (*tables.sorted_tables, *more.sorted_tables):
        table.to_metadata(merged)
    return merged
