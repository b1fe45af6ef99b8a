"""The database of group `db`: SQLite or Postgres, by DATABASE_URL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

_ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_MIGRATIONS = Path(__file__).with_name("migrations")


class SchemaError(Exception):
    """The database is not at the migration that this code needs."""


class Database:
    """An async engine, as a context manager. Construct it in the process that uses it."""

    def __init__(self, url: str) -> None:
        parsed = database_url(url)
        self._engine = create_async_engine(parsed, pool_pre_ping=True, hide_parameters=True)
        self._writer = self._engine
        if parsed.get_backend_name() == "sqlite":
            _prepare_sqlite(self._engine)
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

    async def check_schema(self) -> None:
        """Raise :class:`SchemaError` unless the database is at this code's latest migration."""
        wanted = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
        async with self._engine.connect() as connection:
            present = await connection.run_sync(_current_revision)
        if present != wanted:
            raise SchemaError(f"the database is at migration {present or 'none'}, the code needs {wanted}")


def database_url(url: str) -> URL:
    """The URL with the driver that the service uses: aiosqlite, or psycopg 3."""
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend not in _ASYNC_DRIVERS:
        raise ValueError("DATABASE_URL must begin with sqlite:/// or postgresql://")
    return parsed.set(drivername=_ASYNC_DRIVERS[backend])


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database up to a migration, or down to `base`. Blocking; run it once per deployment, first."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    (command.downgrade if revision == "base" else command.upgrade)(config, revision)


def _current_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _prepare_sqlite(engine: AsyncEngine) -> None:
    """WAL, so that readers do not stop a writer; and transactions that begin where SQLAlchemy says, not later."""

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
