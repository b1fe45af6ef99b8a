"""`engine.upkeep` and `engine.postgres` on a Postgres: the index of resonate-pg's tables, and what has ended."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from shop.runtime.cli import commands
from shop.runtime.database import migrate
from shop.runtime.engine import upkeep
from shop.runtime.engine.postgres import ResilientPostgres
from shop.runtime.engine.upkeep import prepare, remove_ended, remove_ended_of
from shop.runtime.errors import OperatorError, SchemaError
from shop.runtime.service import Service
from shop.runtime.testing.databases import postgres_server
from sqlalchemy import make_url

# As much of resonate-pg as is used here; its own file is used by the session `server` of the tool.
SCHEMA = """
CREATE SCHEMA resonate;
CREATE TABLE resonate.promises (
    id text PRIMARY KEY, state text NOT NULL DEFAULT 'pending', origin_id text, external boolean NOT NULL DEFAULT false,
    timeout_at bigint NOT NULL, settled_at bigint,
    created_at bigint NOT NULL DEFAULT 0, tags jsonb NOT NULL DEFAULT '{}');
CREATE TABLE resonate.outbox (kind text, promise jsonb);
CREATE TABLE resonate.task_resumes (task_id text, awaited_id text);
CREATE INDEX ON resonate.promises (timeout_at) WHERE state = 'pending';
CREATE FUNCTION resonate._promise_timed(p resonate.promises) RETURNS boolean LANGUAGE sql IMMUTABLE
    SET search_path = resonate AS $$ SELECT p.state = 'pending' AND p.external $$;
CREATE FUNCTION resonate.gc(before bigint, most int) RETURNS bigint LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM resonate.promises WHERE state <> 'pending' AND settled_at <= before RETURNING 1)
    SELECT count(*) FROM gone $$;
"""
DUE = "SELECT id FROM resonate.promises WHERE resonate._promise_timed(promises) AND timeout_at <= 1 ORDER BY 1"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory, postgres_server(Path(directory)) as url:
        yield url


@pytest.fixture
def engine(server: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database with the engine's schema."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS engine WITH (FORCE)")
        admin.execute("CREATE DATABASE engine ENCODING 'UTF8' TEMPLATE template0")
    with psycopg.connect(url_of(server), autocommit=True) as connection:
        connection.execute(SCHEMA)
        yield connection


def url_of(server: str, name: str = "engine") -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


async def test_what_is_due_is_found_by_an_index(server: str, engine: psycopg.Connection[Any]) -> None:
    url = url_of(server)
    postgres = ResilientPostgres(url)
    assert not await postgres.is_prepared()
    assert "Seq Scan" in plan(engine)
    assert prepare(url)
    assert await postgres.is_prepared()
    assert "service_due_promises" in plan(engine)
    assert not prepare(url)

    # One whose making was broken off is made again.
    engine.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'resonate.service_due_promises'::regclass"
    )
    assert not await postgres.is_prepared()
    assert prepare(url)
    assert await postgres.is_prepared()
    await postgres.stop()


def plan(engine: psycopg.Connection[Any]) -> str:
    engine.execute(
        "INSERT INTO resonate.promises (id, timeout_at) SELECT g::text, g FROM generate_series(1, 3000) g "
        "ON CONFLICT DO NOTHING"
    )
    engine.execute("ANALYZE")
    return "\n".join(row[0] for row in engine.execute(f"EXPLAIN {DUE}"))


async def test_a_plan_of_empty_tables_stays_good(server: str, engine: psycopg.Connection[Any]) -> None:
    """A function keeps its plan on a connection; one that reads a whole table would be slow once that has grown."""
    engine.execute(
        "CREATE FUNCTION resonate.found(asked text) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN "
        "SELECT count(p.id) INTO n FROM jsonb_array_elements(jsonb_build_array(asked)) a "
        "LEFT JOIN resonate.promises p ON p.id = a.value #>> '{}'; RETURN n; END $$"
    )
    postgres = ResilientPostgres(url_of(server))
    async with postgres._sessions.session() as session:
        for _ in range(10):
            await session.execute("SELECT resonate.found('1')")
        plan(engine)
        read = (
            "SELECT coalesce(seq_tup_read + idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'promises'"
        )
        await session.execute("SELECT resonate.found('1')")
        row = await (await session.execute(read)).fetchone()
        assert row and row[0] < 100
    await postgres.stop()


def test_what_ended_is_removed(server: str, engine: psycopg.Connection[Any]) -> None:
    """And what an ended job left open; not what a job that runs has open, or waits for outside."""
    now = int(time() * 1000)
    old, young, later = now - 100_000, now - 1000, now + 100_000
    rows = [
        ("done", "resolved", "done", True, later, old),
        ("done:1", "pending", "done", False, old, None),
        ("done:2", "pending", "done", False, young, None),
        ("fresh", "resolved", "fresh", True, later, young),
        ("runs", "pending", "runs", True, later, None),
        ("runs:1", "pending", "runs", False, old, None),
        ("gate", "pending", "gate", True, old, None),
        ("gone:1", "pending", "gone", False, old, None),
    ]
    for row in rows:
        engine.execute("INSERT INTO resonate.promises VALUES (%s, %s, %s, %s, %s, %s)", row)
    assert remove_ended(url_of(server), timedelta(seconds=50)) == 3
    left = {row[0] for row in engine.execute("SELECT id FROM resonate.promises")}
    assert left == {"done:2", "fresh", "runs", "runs:1", "gate"}


def test_what_ended_of_one_service_is_removed(
    server: str, engine: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches, with the messages about it; of no other service, and nothing of a job that runs."""
    now = int(time() * 1000)
    old, later = now - 100_000, now + 100_000
    ended = [(f"shop/job/{n}", "resolved", f"shop/job/{n}", True, later, old + n // 2) for n in range(7)]
    others = [
        ("shop/job/1:9", "pending", "shop/job/1", False, old, None),
        ("shop/job/runs", "pending", "shop/job/runs", True, later, None),
        ("shop/job/runs:1", "resolved", "shop/job/runs", True, later, old),
        ("shop/job/young", "resolved", "shop/job/young", True, later, now),
        ("shopping/job/1", "resolved", "shopping/job/1", True, later, old),
        ("shopping/job/1:1", "pending", "shopping/job/1", False, old, None),
    ]
    for row in ended + others:
        engine.execute("INSERT INTO resonate.promises VALUES (%s, %s, %s, %s, %s, %s)", row)
    for name in ("shop/job/1", "shopping/job/1"):
        engine.execute("INSERT INTO resonate.outbox VALUES ('unblock', jsonb_build_object('id', %s::text))", (name,))
        engine.execute("INSERT INTO resonate.task_resumes VALUES ('x', %s)", (name,))
    monkeypatch.setattr(upkeep, "BATCH", 2)
    told: list[int] = []

    def remove(*, is_dry_run: bool) -> int:
        age = timedelta(seconds=50)
        return remove_ended_of("shop/", url_of(server), age, is_dry_run=is_dry_run, tell=lambda _, n: told.append(n))

    assert (remove(is_dry_run=True), told) == (7, [])
    assert remove(is_dry_run=False) == 8
    assert told == [2, 4, 6, 7, 8]
    left = {row[0] for row in engine.execute("SELECT id FROM resonate.promises")}
    assert left == {row[0] for row in others[1:]}
    assert engine.execute("SELECT promise->>'id' FROM resonate.outbox").fetchall() == [("shopping/job/1",)]
    assert engine.execute("SELECT awaited_id FROM resonate.task_resumes").fetchall() == [("shopping/job/1",)]


@pytest.mark.usefixtures("no_settings")
def test_the_commands(
    definition: Service, server: str, engine: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(commands(definition, "It."), ["engine", *arguments])
        return done.exit_code, done.output

    monkeypatch.setenv("RESONATE_URL", url_of(server))
    assert run("prepare") == (0, "the engine's database has its indexes now\n")
    assert run("prepare") == (0, "the engine's database is prepared already\n")
    assert run("remove-ended", "--older-than", "P30D") == (0, "0 promises removed\n")
    code, output = run("remove-ended", "--older-than", "a month")
    assert code == 2 and "a duration, such as 30d, 12h or P30D" in output
    engine.execute("DROP SCHEMA resonate CASCADE")
    assert run("prepare") == (
        1,
        'Error: RESONATE_URL: resonate-pg is not in this database\nApply its resonate.sql: psql "$RESONATE_URL" -f '
        "resonate.sql\n",
    )
    monkeypatch.setenv("RESONATE_URL", "http://localhost:1")
    assert run("prepare")[1].startswith("Error: RESONATE_URL names no Postgres")


def test_a_database_that_keeps_no_utf_8_is_refused_in_a_line(definition: Service, server: str) -> None:
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS bytes WITH (FORCE)")
        admin.execute("CREATE DATABASE bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    url = url_of(server, "bytes")
    with pytest.raises(
        SchemaError, match="DATABASE_URL: the encoding of the database bytes is SQL_ASCII, and must be UTF8"
    ):
        migrate(url, definition.migrations)
    with pytest.raises(OperatorError, match="the encoding of the engine's database is SQL_ASCII"):
        prepare(url)
