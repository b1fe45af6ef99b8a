"""The service's database, SQLite or Postgres by DATABASE_URL, and its migrations."""

import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, URL, Connection, DateTime, MetaData, String, create_engine, event, func, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from .errors import SchemaError
from .settings import ServiceSettings, required

_ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class RuntimeTables(DeclarativeBase):
    """The tables of the runtime. Yours are in `db/models.py`; migrations see both."""


class Operation(RuntimeTables):
    """A write that was done: see `durable.once`."""

    __tablename__ = "operations"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))
    result: Mapped[Any] = mapped_column(JSON, nullable=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Database:
    """An async SQLAlchemy engine with read and write sessions, as a context manager.

    Construct it in the process that uses it. The bounds of statements and locks are the settings'; without settings
    there are none but SQLite's wait of 30 s for its file.
    """

    def __init__(self, url: str, settings: ServiceSettings | None = None) -> None:
        parsed = database_url(url)
        options: dict[str, Any] = {"pool_pre_ping": True, "hide_parameters": True}
        if parsed.get_backend_name() == "postgresql" and settings is not None:
            size = settings.database_pool_size
            options |= {"pool_size": size, "max_overflow": size, "connect_args": _postgres_arguments(parsed, settings)}
        self._engine = create_async_engine(parsed, **options)
        self._writer = self._engine
        if parsed.get_backend_name() == "sqlite":
            _prepare_sqlite(self._engine, settings.database_lock_timeout.total_seconds() if settings else 30)
            self._writer = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session to read in."""
        async with AsyncSession(self._engine) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end, rolled back by an exception.

        On SQLite it takes the write lock at once: one that begins to write after it has read can fail, whatever the
        time-out, when another wrote in between.
        """
        async with AsyncSession(self._writer) as session, session.begin():
            yield session

    async def check_schema(self, migrations: Path) -> None:
        """Compare the database with the latest migration in a directory.

        Raises:
            SchemaError: it is at another one.
        """
        wanted = ScriptDirectory(str(migrations)).get_current_head()
        async with self._engine.connect() as connection:
            present = await connection.run_sync(_current_revision)
        if present != wanted:
            raise SchemaError(
                f"the database is at migration {present or 'none'}, the code needs {wanted or 'none'}",
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
            yield database


def database_url(url: str) -> URL:
    """A URL with the driver that the service uses: aiosqlite, or psycopg 3.

    Raises:
        ValueError: it is of another kind of database.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend not in _ASYNC_DRIVERS:
        raise ValueError("DATABASE_URL must begin with sqlite:/// or postgresql://")
    return parsed.set(drivername=_ASYNC_DRIVERS[backend])


def migrate(url: str, migrations: Path, revision: str = "head") -> None:
    """Bring a database up to a migration, or down to `base`. Blocking; run it once per deployment, first."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["url"] = url
    (command.downgrade if revision == "base" else command.upgrade)(config, revision)


def run_migrations(tables: MetaData, settings: type[ServiceSettings]) -> None:
    """What a service's `migrations/env.py` runs: migrate the database that the caller named, else DATABASE_URL.

    Migrations use a synchronous connection: both databases have a driver for it.
    """
    named: str | None = context.config.attributes.get("url")
    engine = create_engine(synchronous_url(named or required(settings().database_url, "DATABASE_URL")))
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=[tables, RuntimeTables.metadata], render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


def seed(url: str, package: str) -> bool:
    """Run `seed(session)` of ``<package>.db.seed`` in one transaction: rows for development and tests. Blocking.

    Returns False where the service has no such module.
    """
    if importlib.util.find_spec(f"{package}.db.seed") is None:
        return False
    engine = create_engine(synchronous_url(url))
    with Session(engine) as session, session.begin():
        importlib.import_module(f"{package}.db.seed").seed(session)
    engine.dispose()
    return True


def synchronous_url(url: str) -> URL:
    """A URL with a synchronous driver: the standard library's for SQLite, psycopg 3."""
    parsed = database_url(url)
    return parsed.set(drivername="sqlite") if parsed.get_backend_name() == "sqlite" else parsed


def _current_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _postgres_arguments(url: URL, settings: ServiceSettings) -> dict[str, Any]:
    """Arguments of each connection: how long to connect, and how long a statement and its locks may take."""
    bounds = {
        "statement_timeout": settings.database_statement_timeout,
        "lock_timeout": settings.database_lock_timeout,
    }
    given = url.query.get("options", "")
    options = [given if isinstance(given, str) else " ".join(given)]
    options += [f"-c {name}={int(bound.total_seconds() * 1000)}" for name, bound in bounds.items()]
    return {"connect_timeout": 10, "options": " ".join(filter(None, options))}


def _prepare_sqlite(engine: AsyncEngine, lock_timeout: float) -> None:
    """WAL, so that readers do not stop a writer; and transactions that begin where SQLAlchemy says, not later."""

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        waits = f"busy_timeout={int(lock_timeout * 1000)}"
        for pragma in (waits, "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
