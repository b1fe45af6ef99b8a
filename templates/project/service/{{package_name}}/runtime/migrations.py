"""The migrations of the service's database: up, down, and whether it is where this code needs it."""

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any, Literal

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, MetaData, text
from sqlalchemy.exc import DBAPIError

from .columns import in_migrations
from .database_connections import connected, first_line
from .errors import OperatorError, SchemaError

logger = logging.getLogger(__name__)

_LOCK = int.from_bytes(b"migrates")
"""Postgres's number for the lock that a migration holds; each database has locks of its own."""


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


async def check_schema(url: URL, migrations: Path) -> None:
    """Compare a database with the migrations in a directory.

    One that is *ahead* will do: in a rolling deployment, and after a rollback, older code runs beside a newer
    database. See "Migrations" in docs/operating.md of resonate-scaffold.

    Raises:
        SchemaError: it is behind.
        DatabaseUnavailable: it cannot be reached.
    """
    script = ScriptDirectory(str(migrations))
    present = await asyncio.to_thread(_revisions, url)
    if ahead := _unknown(script, present):
        logger.warning("the database is ahead of this code: it is at migration %s", _shown(ahead))
    elif present != (wanted := set(script.get_heads())):
        raise SchemaError(
            f"the database is at migration {_shown(present)}, the code needs {_shown(wanted)}",
            "Run the command `migrate` first.",
        )


def run(tables: MetaData, default_url: Callable[[], str]) -> None:
    """Migrate the database that :func:`migrate` or :func:`downgrade` named, else ``default_url``: inside of Alembic.

    ``tables`` are all that the database should have, for migrations that Alembic writes.
    """
    given = context.config.attributes
    try:
        _run(given.get("url") or default_url(), tables, given)
    except OperatorError as error:
        if "ahead" in given:  # It was :func:`migrate` that asked.
            raise
        raise CommandError(str(error)) from None  # What Alembic's own commands show without a traceback.


def _run(url: str, tables: MetaData, given: dict[Any, Any]) -> None:
    with connected(url, given.get("lock_timeout"), foreign_keys="OFF") as connection:
        _wait_for_other_migrations(connection)
        context.configure(
            connection=connection,
            target_metadata=tables,
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
            f"the migrations cannot run: {first_line(error)}",
            "`alembic heads` and `alembic history` show them; two heads become one by `alembic merge heads`.",
        ) from None
    except DBAPIError as error:
        calls = traceback.extract_tb(error.__traceback__)
        own = [it for it in calls if Path(it.filename).parent == migrations / "versions"]
        where = f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else "a migration"
        raise SchemaError(
            f"{where} failed: {first_line(error.orig)}",
            "The database is as it was. Correct what is wrong, and run it again.",
        ) from None


def _wait_for_other_migrations(connection: Connection) -> None:
    """On Postgres, take the lock of migrations; it ends with the connection. SQLite has it with its transaction.

    It is asked for again and again: a session that waits for a lock would keep `CREATE INDEX CONCURRENTLY` waiting.
    """
    if connection.dialect.name != "postgresql":
        return
    attempt, said = text("SELECT pg_try_advisory_lock(:lock)"), False
    while not connection.scalar(attempt, {"lock": _LOCK}):
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


def _render_type(kind: str, value: Any, _context: object) -> str | Literal[False]:
    """How a generated migration writes a type of the runtime: as plain SQLAlchemy, which stays as it is."""
    return (kind == "type" and in_migrations(value)) or False


def _revisions(url: URL) -> set[str]:
    with connected(url, begin="BEGIN") as connection:
        return set(MigrationContext.configure(connection).get_current_heads())


def _unknown(script: ScriptDirectory, revisions: set[str]) -> set[str]:
    """Those that are none of the code's migrations: a newer version of it has made them."""
    return revisions - {it.revision for it in script.walk_revisions()} if revisions else set()


def _shown(revisions: set[str]) -> str:
    return ", ".join(sorted(revisions)) or "none"
