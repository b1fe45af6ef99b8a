"""`testing.databases`: each test's own database, SQLite or Postgres; and what the service asks of a Postgres."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from shop.runtime import database_connections
from shop.runtime.database import Database, downgrade, migrate, synchronous_url, wait_for_connection
from shop.runtime.service import Service
from shop.runtime.testing.databases import Databases, PostgresDatabases, SqliteDatabases, read_rows
from shop.runtime.testing.plugin import make_settings
from sqlalchemy import create_engine, make_url, text

from .waiting import until

TABLES = """
CREATE TABLE owners (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE items (
    id {serial} PRIMARY KEY,
    owner INTEGER REFERENCES owners (id),
    name TEXT,
    made_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "odd Name" (text TEXT);
INSERT INTO owners (id, name) VALUES (1, 'Ada');
INSERT INTO items (owner, name) VALUES (1, 'cup'), (1, 'tab\there, and "quotes"');
"""


def execute(url: str, statements: str) -> None:
    engine = create_engine(synchronous_url(url))
    with engine.begin() as connection:
        for statement in filter(str.strip, statements.split(";")):
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """Databases of each kind, with tables that refer to each other and a sequence."""
    if request.param == "sqlite":
        yield SqliteDatabases(tmp_path, lambda url: execute(url, TABLES.format(serial="INTEGER")))
        return
    server: str = request.getfixturevalue("postgres")
    yield PostgresDatabases(server, lambda url: execute(url, TABLES.format(serial="SERIAL")))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE migrated WITH (FORCE)")


ITEMS = ["""(1, 1, 'cup')""", """(2, 1, 'tab\\there, and "quotes"')"""]


def test_each_database_has_the_rows(made: Databases) -> None:
    one, other = made.create(), made.create()
    assert one != other
    execute(one, "DELETE FROM items")
    # Without the column that the database fills from its clock.
    assert read_rows(other) == {"items": ITEMS, "odd Name": [], "owners": ["(1, 'Ada')"]}
    assert read_rows(one)["items"] == []
    for url in (one, other):
        made.drop(url)


def test_a_reset_brings_rows_and_sequences_back(made: Databases) -> None:
    url = made.create()
    before = read_rows(url)
    for _ in range(2):
        execute(url, "DELETE FROM items; INSERT INTO owners (id, name) VALUES (2, 'Alan')")
        execute(url, "INSERT INTO items (owner, name) VALUES (2, 'pot'); INSERT INTO \"odd Name\" VALUES ('x')")
        made.reset(url)
        assert read_rows(url) == before
        # The next row has the number that it would have had.
        execute(url, "INSERT INTO items (owner, name) VALUES (1, 'jug')")
        assert "(3, 1, 'jug')" in read_rows(url)["items"]
        made.reset(url)
    made.drop(url)


def test_an_empty_database_has_no_tables(made: Databases) -> None:
    url = made.create_empty()
    assert read_rows(url) == {}
    execute(url, "CREATE TABLE things (id INTEGER)")
    assert read_rows(url) == {"things": []}
    assert "things" not in read_rows(made.create())
    made.drop(url)


def test_a_database_that_was_dropped_is_gone(made: Databases) -> None:
    url = made.create()
    engine = create_engine(synchronous_url(url))
    with engine.connect() as connection:  # Whoever is connected.
        connection.execute(text("SELECT 1"))
        connection.commit()
        made.drop(url)
    engine.dispose()
    if isinstance(made, SqliteDatabases):
        path = Path(str(make_url(url).database))
        assert not list(path.parent.glob(f"{path.name}*"))
    else:
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(url)


def test_the_tests_use_the_kind_that_was_asked_for(
    request: pytest.FixtureRequest, database_kind: str, database_url: str, databases: Databases
) -> None:
    wanted = request.config.getoption("--database")
    assert database_kind == wanted or wanted == "all"
    assert make_url(database_url).get_backend_name() == {"sqlite": "sqlite", "postgres": "postgresql"}[database_kind]
    assert isinstance(databases, {"sqlite": SqliteDatabases, "postgres": PostgresDatabases}[database_kind])


# Postgres as the service uses it


@pytest.mark.usefixtures("no_settings")
async def test_statements_and_locks_have_bounds(definition: Service, postgres: str) -> None:
    async def shown(url: str, **values: float) -> list[str]:
        async with Database(url, make_settings(definition, **values)) as database, database.read() as session:
            names = ("statement_timeout", "lock_timeout", "application_name", "idle_in_transaction_session_timeout")
            return [str((await session.execute(text(f"SHOW {name}"))).scalar_one()) for name in names]

    assert (await shown(postgres))[:2] == ["30s", "10s"]
    assert (await shown(postgres, database_statement_timeout=1.5, database_lock_timeout=0.25))[:2] == [
        "1500ms",
        "250ms",
    ]
    assert (await shown(postgres, database_statement_timeout=0, database_lock_timeout=0))[:2] == ["0", "0"]
    assert (await shown(postgres))[3] == "30s"
    # What the URL itself asks for stays.
    options = make_url(postgres).update_query_dict({"options": "-c application_name=tests"})
    assert await shown(options.render_as_string(hide_password=False)) == ["30s", "10s", "tests", "30s"]
    # Also where it is one of these bounds.
    options = make_url(postgres).update_query_dict({"options": "-c lock_timeout=1s"})
    assert (await shown(options.render_as_string(hide_password=False)))[:2] == ["30s", "1s"]
    async with Database(postgres) as database, database.read() as session:
        assert (await session.execute(text("SHOW statement_timeout"))).scalar_one() == "0"


@pytest.mark.usefixtures("no_settings")
async def test_a_statement_that_takes_too_long_ends(definition: Service, postgres: str) -> None:
    settings = make_settings(definition, database_statement_timeout=0.1, database_lock_timeout=0.05)
    async with Database(postgres, settings) as database, asyncio.timeout(5):
        with pytest.raises(Exception, match="statement timeout"):
            async with database.read() as session:
                await session.execute(text("SELECT pg_sleep(30)"))


@pytest.mark.usefixtures("no_settings")
async def test_the_pool_has_a_size(definition: Service, postgres: str) -> None:
    """So many connections are kept, and as many again are opened under load."""
    connected = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pool'")
    url = make_url(postgres).update_query_dict({"application_name": "pool"}).render_as_string(hide_password=False)

    async with Database(url, make_settings(definition, database_pool_size=2)) as database:

        async def look() -> int:
            async with database.read() as session:
                count: int = (await session.execute(connected)).scalar_one()
                await session.execute(text("SELECT pg_sleep(0.05)"))
                return count

        assert max(await asyncio.gather(*(look() for _ in range(12)))) == 4

        async def have_been_closed() -> bool:
            async with database.read() as session:
                return (await session.execute(connected)).scalar_one() == 2

        await until(have_been_closed)  # The server takes a moment to end one.


async def test_a_connection_that_broke_while_it_was_idle(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked before its next use, after a second without one."""
    monkeypatch.setattr(database_connections, "IDLE", 0)
    async with Database(postgres) as database:

        async def backend() -> int:
            async with database.read() as session:
                process: int = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
                return process

        first = await backend()
        with psycopg.connect(postgres) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
        assert await backend() != first


@pytest.mark.usefixtures("no_settings")
def test_a_connection_is_waited_for_until_those_before_had_theirs(definition: Service) -> None:
    """The bounds fit each other: MAX_RUNS runs on 2 * DATABASE_POOL_SIZE connections, each a statement's whole time."""
    assert wait_for_connection(make_settings(definition)) == 4 * 30
    assert wait_for_connection(make_settings(definition, max_runs=20)) == 30
    assert wait_for_connection(make_settings(definition, max_runs=200, database_pool_size=5)) == 20 * 30
    assert wait_for_connection(make_settings(definition, database_statement_timeout=0)) is None


@pytest.mark.usefixtures("no_settings")
async def test_a_process_that_is_frozen_in_a_transaction_loses_its_locks(definition: Service, postgres: str) -> None:
    settings = make_settings(definition, database_statement_timeout=0.3, database_lock_timeout=0.1)
    async with Database(postgres, settings) as database, asyncio.timeout(10):
        with pytest.raises(Exception, match="idle-in-transaction"):
            async with database.write() as session:
                await session.execute(text("SELECT 1"))
                await asyncio.sleep(1)
                await session.execute(text("SELECT 1"))
        async with database.read() as session:
            await session.execute(text("SELECT 1"))


@pytest.mark.usefixtures("no_settings")
async def test_the_service_runs_on_postgres(definition: Service, postgres: str) -> None:
    migrate(postgres, definition.migrations)
    async with Database(postgres, make_settings(definition)) as database:
        await database.check_schema(definition.migrations)
    downgrade(postgres, definition.migrations, "base")
    assert list(read_rows(postgres)) == ["alembic_version"]
