"""`database`: sessions, migrations and rows for development, on the kind of database that the tests use."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from shop.db.models import Base
from shop.runtime.database import (
    Database,
    OpenDatabase,
    Operation,
    RuntimeTables,
    database_url,
    downgrade,
    migrate,
    seed,
    synchronous_url,
)
from shop.runtime.errors import MissingSetting, SchemaError
from shop.runtime.outages import Lost
from shop.runtime.service import Service
from shop.runtime.settings import ServiceSettings
from shop.runtime.testing.databases import Databases, read_rows
from shop.runtime.testing.plugin import make_settings
from sqlalchemy import create_engine, delete, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from .planting import planted_service

pytestmark = pytest.mark.usefixtures("no_settings")


def tables(url: str) -> set[str]:
    engine = create_engine(synchronous_url(url))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


# URLs


@pytest.mark.parametrize(
    ("url", "asynchronous", "synchronous"),
    [
        ("sqlite:///shop.db", "sqlite+aiosqlite:///shop.db", "sqlite:///shop.db"),
        ("sqlite+aiosqlite:///shop.db", "sqlite+aiosqlite:///shop.db", "sqlite:///shop.db"),
        ("postgresql://u:p@h:1/n", "postgresql+psycopg://u:p@h:1/n", "postgresql+psycopg://u:p@h:1/n"),
        ("postgres://h/n", "postgresql+psycopg://h/n", "postgresql+psycopg://h/n"),
        ("postgresql+psycopg2://h/n", "postgresql+psycopg://h/n", "postgresql+psycopg://h/n"),
    ],
)
def test_urls_get_the_drivers_of_the_service(url: str, asynchronous: str, synchronous: str) -> None:
    assert database_url(url).render_as_string(hide_password=False) == asynchronous
    assert synchronous_url(url).render_as_string(hide_password=False) == synchronous


def test_other_databases_are_refused() -> None:
    with pytest.raises(ValueError, match="must begin with sqlite:/// or postgresql://"):
        database_url("mysql://host/shop")


# Sessions


async def test_a_write_is_committed_at_its_end(database: Database) -> None:
    async with database.write() as session:
        session.add(Operation(id="db/op/1", request="r", result={"a": 1}))
    async with database.read() as session:
        found = await session.get_one(Operation, "db/op/1")
        assert (found.request, found.result, found.created_at is not None) == ("r", {"a": 1}, True)


async def test_an_exception_rolls_a_write_back(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.write() as session:
            session.add(Operation(id="db/op/1", request="r", result=None))
            await session.flush()
            raise RuntimeError
    async with database.read() as session:
        assert await session.get(Operation, "db/op/1") is None


async def _add(session: AsyncSession) -> None:
    session.add(Operation(id="db/op/2", request="r", result=None))
    await session.flush()


async def _change(session: AsyncSession) -> None:
    (await session.get_one(Operation, "db/op/1")).request = "other"
    await session.commit()


async def _delete(session: AsyncSession) -> None:
    await session.delete(await session.get_one(Operation, "db/op/1"))
    await session.flush()


@pytest.mark.parametrize("change", [_add, _change, _delete, lambda session: session.execute(delete(Operation))])
async def test_a_session_that_reads_does_not_write(
    database: Database, change: Callable[[AsyncSession], Awaitable[object]]
) -> None:
    async with database.write() as session:
        session.add(Operation(id="db/op/1", request="r", result=None))
    with pytest.raises(RuntimeError, match="does not write"):
        async with database.read() as session:
            await change(session)
    async with database.read() as session:
        found = (await session.execute(select(Operation.id, Operation.request))).all()
    assert [tuple(row) for row in found] == [("db/op/1", "r")]


async def test_writes_that_read_first_do_not_fail_each_other(database: Database) -> None:
    """On SQLite one that begins as a reader may not become a writer when another wrote in between."""

    async def write(number: int) -> None:
        async with database.write() as session:
            await session.get(Operation, "db/op/0")
            await asyncio.sleep(0.01)
            session.add(Operation(id=f"db/op/{number}", request="r", result=None))

    await asyncio.gather(*(write(number) for number in range(1, 9)))
    async with database.read() as session:
        assert len((await session.execute(text("SELECT id FROM operations"))).all()) == 8


async def test_errors_hide_the_values_of_statements(database: Database) -> None:
    with pytest.raises(Exception, match="SQL parameters hidden") as raised:
        async with database.read() as session:
            await session.execute(text("SELECT * FROM nowhere WHERE value = :value"), {"value": "a-secret"})
    assert "a-secret" not in str(raised.value)


async def test_a_writer_waits_for_a_lock_so_long(definition: Service, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'locked.db'}"
    migrate(url, definition.migrations)
    async with Database(url) as database, database.read() as session:
        await session.execute(text("SELECT 1"))  # From now on readers do not wait for a writer.
    with closing(sqlite3.connect(tmp_path / "locked.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        settings = make_settings(definition, database_lock_timeout=0.1)
        async with Database(url, settings) as database:
            async with asyncio.timeout(5):
                with pytest.raises(Lost, match="locked"):
                    async with database.write() as session:
                        await session.execute(text("SELECT 1"))
            async with database.read() as session:
                assert (await session.execute(text("PRAGMA journal_mode"))).scalar_one() == "wal"
                assert (await session.execute(text("SELECT count(*) FROM operations"))).scalar_one() == 0


# Migrations


async def test_a_worker_refuses_a_database_behind_its_code(definition: Service, databases: Databases) -> None:
    url = databases.create()
    downgrade(url, definition.migrations, "base")
    assert "operations" not in tables(url)
    async with Database(url) as database:
        with pytest.raises(SchemaError, match="is at migration none, the code needs") as refused:
            await database.check_schema(definition.migrations)
        assert refused.value.remedy == "Run the command `migrate` first."
        migrate(url, definition.migrations)
        await database.check_schema(definition.migrations)
    databases.drop(url)


def test_an_empty_database_is_migrated(definition: Service, databases: Databases) -> None:
    url = databases.create_empty()
    assert tables(url) == set()
    migrate(url, definition.migrations)
    assert {"operations", "alembic_version"} <= tables(url)
    migrate(url, definition.migrations)  # Again is harmless.
    databases.drop(url)


async def test_migrations_and_models_agree(definition: Service, database_url: str) -> None:
    """Alembic would write no further migration."""
    engine = create_engine(synchronous_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, cast("Any", [Base.metadata, RuntimeTables.metadata])) == []
    engine.dispose()


async def test_the_dependency_of_a_worker(
    definition: Service, databases: Databases, database_url: str, settings: ServiceSettings
) -> None:
    opener = OpenDatabase(definition.migrations)
    on_database = settings.model_copy(update=make_settings(definition, database_url=database_url).model_dump())
    async with opener(on_database) as database, database.read() as session:
        assert (await session.execute(text("SELECT count(*) FROM operations"))).scalar_one() == 0
    with pytest.raises(MissingSetting, match="DATABASE_URL"):
        async with opener(settings.model_copy(update={"database_url": None})):
            pass
    empty = make_settings(definition, database_url=databases.create_empty())
    with pytest.raises(SchemaError, match="is at migration none"):
        async with opener(empty):
            pass


# Rows for development


def test_seeding_twice_changes_nothing(definition: Service, databases: Databases) -> None:
    url = databases.create()
    before = read_rows(url)
    assert seed(url, definition.package) == seed(url, definition.package)
    assert read_rows(url) == before
    databases.drop(url)


def test_a_service_without_a_seed(database_url: str, tmp_path: Path) -> None:
    before = read_rows(database_url)
    with planted_service(tmp_path) as planted:
        assert seed(database_url, planted.package) is False
    assert read_rows(database_url) == before


SEED = """
from shop.runtime.database import Operation


def seed(session):
    session.merge(Operation(id="db/op/seeded", request="r", result=None))
    {and_then}
"""


def test_a_seed_is_one_transaction(database_url: str, tmp_path: Path) -> None:
    with planted_service(tmp_path, {"db/seed.py": SEED.format(and_then="raise RuntimeError")}) as planted:
        with pytest.raises(RuntimeError):
            seed(database_url, planted.package)
        assert "seeded" not in str(read_rows(database_url))
    with planted_service(tmp_path, {"db/seed.py": SEED.format(and_then="")}) as planted:
        assert seed(database_url, planted.package) is True
        assert "seeded" in str(read_rows(database_url)["operations"])
