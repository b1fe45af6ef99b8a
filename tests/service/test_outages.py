"""A database that is away pauses the runs that need it: no attempt is used up, and no job fails."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import httpx
import psycopg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fastapi import FastAPI
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from resonate.retry import NoBackoff
from shop.runtime import outages
from shop.runtime.database import Database, Operation, migrate
from shop.runtime.database_connections import is_lost
from shop.runtime.durable.once import once
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine import worker
from shop.runtime.engine.client import build
from shop.runtime.engine.connections import ReconnectingSSE
from shop.runtime.engine.offers import WorkerResonate
from shop.runtime.engine.worker import register, serve_group, stop
from shop.runtime.outages import Lost, Resource
from shop.runtime.service import Service, functions_of
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import StartService, free_port
from sqlalchemy import func, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from .flaky_database import FlakyDatabase, flaky_database
from .telemetry import Log, counted
from .waiting import until

pytestmark = pytest.mark.usefixtures("no_settings")


class Number(BaseModel):
    number: int


count = Rpc(name="count", group="db", request=Number, result=Number)
hang = Rpc(name="hang", group="db", request=Number, result=Number)
BRIEF = timedelta(seconds=1.5)
brief = Rpc(name="brief-count", group="db", request=Number, result=Number, timeout=BRIEF)

began: list[int] = []
"""The numbers of the runs that began."""


async def run_count(ctx: Context, request: Number) -> Number:
    """Insert a row once, without any retry."""
    began.append(request.number)

    async def effect(session: AsyncSession) -> Number:
        await session.execute(text("SELECT 1"))
        return request

    return await once(ctx.get_dependency(Database), f"db/op/count/{request.number}", request, Number, effect)


async def run_hang(ctx: Context, request: Number) -> Number:
    """Be in a statement for long."""
    async with ctx.get_dependency(Database).read() as session:
        began.append(request.number)
        await session.execute(text("SELECT pg_sleep(60)"))
    return request


SERVED = [serve(count)(run_count), serve(hang)(run_hang), serve(brief)(run_count)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, so that a test need not wait."""
    began.clear()
    monkeypatch.setattr(outages, "PROBE_AWAY_EVERY", 0.05)


@pytest.fixture
def own_postgres(definition: Service, postgres: str) -> Iterator[str]:
    """A migrated database of a PostgreSQL, whatever database the other tests use."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE outages")
        url = make_url(postgres).set(database="outages").render_as_string(hide_password=False)
        migrate(url, definition.migrations)
        yield url
        connection.execute("DROP DATABASE outages WITH (FORCE)")


@pytest.fixture
async def flaky(own_postgres: str) -> AsyncIterator[FlakyDatabase]:
    async with flaky_database(own_postgres) as flaky:
        yield flaky


def said(log: Log, words: str) -> list[str]:
    """The log's lines at WARNING and above that hold these words."""
    return [it["message"] for it in log.lines() if it["level"] in ("WARNING", "ERROR") and words in it["message"]]


async def test_runs_wait_until_the_database_is_back(
    start_service: StartService, flaky: FlakyDatabase, log: Log
) -> None:
    async with start_service(SERVED, database_url=flaky.url) as service:
        await flaky.stop()
        runs = [asyncio.create_task(service.run(count, f"count/{n}", Number(number=n))) for n in range(10)]
        await until(lambda: said(log, "the database is away"))
        await until(lambda: len(began) >= 10)
        assert counted("resource_up", resource="the database") == 0
        await asyncio.sleep(0.3)  # Several probes.
        assert not any(run.done() for run in runs)
        await flaky.start()
        assert [(await run).number for run in runs] == list(range(10))
        assert counted("resource_up", resource="the database") == 1
    assert len(said(log, "the database is away")) == 1
    assert len(said(log, "the database is back")) == 1
    assert [it["message"] for it in log.lines(level="ERROR")] == said(log, "the database is away")
    assert not any("job" in line for line in log.lines(logger="shop.runtime.outages"))


async def test_a_job_that_waits_for_the_database_ends_at_its_deadline(
    start_service: StartService, flaky: FlakyDatabase
) -> None:
    async with start_service(SERVED, database_url=flaky.url) as service:
        await flaky.stop()
        outcome = await service.outcome(brief, "brief/1", Number(number=1))
        assert outcome.error is not None
        assert outcome.error.code == "timed-out"
        await flaky.start()
        assert (await service.run(count, "count/2", Number(number=2))).number == 2


async def test_an_outage_takes_nothing_of_the_time_of_a_run(start_service: StartService, flaky: FlakyDatabase) -> None:
    """A call of a workflow has a second; the outage is longer."""
    parent = Rpc(name="parent", group="workers", request=Number, result=Number)

    @serve(parent)
    async def call(ctx: Context, request: Number) -> Number:
        return await brief(ctx, request)

    async with start_service([*SERVED, call], database_url=flaky.url) as service:
        await flaky.stop()
        running = asyncio.create_task(service.run(parent, "parent/1", Number(number=1)))
        await until(lambda: began)
        await asyncio.sleep(BRIEF.total_seconds() + 0.5)
        await flaky.start()
        assert (await running).number == 1


async def test_a_connection_that_breaks_in_a_write_costs_no_attempt(
    start_service: StartService, own_postgres: str, log: Log
) -> None:
    broken: list[int] = []
    contract = Rpc(name="broken", group="db", request=Number, result=Number)

    @serve(contract)
    async def write(ctx: Context, request: Number) -> Number:
        async def effect(session: AsyncSession) -> Number:
            session.add(Operation(id=f"row-{len(broken)}", request=""))
            await session.flush()
            if len(broken) < 2:
                broken.append(request.number)
                await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            return request

        return await once(ctx.get_dependency(Database), "db/op/broken/1", request, Number, effect)

    async with start_service([write], database_url=own_postgres) as service:
        await service.run(contract, "broken/1", Number(number=1))
    async with Database(own_postgres) as database, database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Operation)) == 2  # The claim and one row.
    assert broken == [1, 1]
    # The database answers: that it is lost is said once, not for each run.
    assert (len(said(log, "runs lose the database")), said(log, "is away")) == (1, [])


async def test_packets_that_vanish_are_noticed(
    definition: Service, flaky: FlakyDatabase, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    """Neither the statement that runs nor the process's end waits for an answer that cannot come."""
    monkeypatch.setattr("shop.runtime.database_connections.PROBE_TIMEOUT", 0.3)
    settings = make_settings(definition, database_url=flaky.url, shutdown_grace=1)
    local = LocalConnection(group="db", tick_interval=0.05)
    async with Database(flaky.url, settings) as database:
        client = build(settings, definition.namespace(settings), "db", listens=True, local=local)
        register(client, functions_of(SERVED), [settings, database])
        client.resonate.start()
        assert await worker.problem_of(client, [database]) is None
        for number in range(3):
            await hang.start(client, f"hang/{number}", Number(number=number))
        await until(lambda: len(began) == 3)
        flaky.vanish()
        started = monotonic()
        assert await worker.problem_of(client, [database]) == "the database is away"
        await stop(client, settings.shutdown_grace, [database])
    # psycopg would try for 10 s to stop each statement.
    assert monotonic() - started < 8
    assert said(log, "stopped with work in flight") == []


async def test_hanging_statements_are_broken_off_in_an_outage(
    start_service: StartService, flaky: FlakyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop.runtime.database_connections.PROBE_TIMEOUT", 0.2)
    monkeypatch.setattr(outages, "PATIENCE", 0.2)
    async with start_service(SERVED, database_url=flaky.url, shutdown_grace=0.1) as service:
        await hang.start(service.client, "hang/1", Number(number=1))
        await until(lambda: len(began) == 1)
        flaky.vanish()
        database = next(it for it in service.client.resonate._deps._map.values() if isinstance(it, Database))
        assert await database.problem() is not None
        await asyncio.sleep(1)
        await flaky.start()
        # It was broken off, and is run again: it does not wait for its first answer.
        await until(lambda: len(began) == 2)


async def test_a_writer_that_finds_sqlite_locked_waits(
    start_service: StartService, tmp_path: Path, definition: Service
) -> None:
    url = f"sqlite:///{tmp_path / 'locked.db'}"
    migrate(url, definition.migrations)
    other = sqlite3.connect(tmp_path / "locked.db", isolation_level=None, check_same_thread=False)
    async with start_service(SERVED, database_url=url, database_lock_timeout=0.1) as service:
        other.execute("BEGIN IMMEDIATE")
        run = asyncio.create_task(service.run(count, "count/1", Number(number=1)))
        await until(lambda: len(began) >= 3)
        other.execute("COMMIT")
        assert (await run).number == 1
    other.close()


async def test_a_sqlite_file_that_is_moved_away_is_an_outage(
    tmp_path: Path, definition: Service, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    """Its connections stay with the file, and would write where nobody reads."""
    monkeypatch.setattr(outages, "PROBE_AWAY_EVERY", 0.01)
    here, away = tmp_path / "shop.db", tmp_path / "away.db"
    migrate(f"sqlite:///{here}", definition.migrations)
    async with Database(f"sqlite:///{here}") as database:
        assert await database.problem() is None
        here.rename(away)
        assert await database.problem() == "the database is away"
        migrate(f"sqlite:///{here}", definition.migrations)
        await until(lambda: "is another file than before" in (database._away_because or ""))
        with pytest.raises(Lost, match="bring that back, or start this process again"):
            async with database.write():
                pass
        away.replace(here)
        await until(lambda: database._away_because is None)
        assert await database.problem() is None
    assert [line["level"] for line in log.lines() if "the database is" in line["message"]] == ["ERROR", "WARNING"]


async def error_of(database: Database, statement: str) -> BaseException:
    with pytest.raises(Exception) as caught:
        async with database.read() as session:
            await session.execute(text(statement))
    return caught.value


async def test_what_a_statement_causes_itself_is_no_loss(definition: Service, own_postgres: str) -> None:
    tight = make_settings(definition, database_statement_timeout=0.1, database_lock_timeout=0.05)
    async with Database(own_postgres, tight) as database:
        for statement in ("SELECT 1/0", "SELECT pg_sleep(9)", "SELECT nothing", "INSERT INTO operations VALUES (NULL)"):
            error = await error_of(database, statement)
            assert not isinstance(error, Lost)
            assert not is_lost(error)
        terminated = await error_of(database, "SELECT pg_terminate_backend(pg_backend_pid())")
        assert isinstance(terminated, Lost)


async def test_a_server_without_a_free_connection_is_a_loss(definition: Service, own_postgres: str) -> None:
    with psycopg.connect(own_postgres, autocommit=True) as connection:
        connection.execute("CREATE ROLE one LOGIN CONNECTION LIMIT 1")
        url = make_url(own_postgres).set(username="one").render_as_string(hide_password=False)
        async with Database(url) as database, database.read() as session:
            await session.execute(text("SELECT 1"))
            assert isinstance(await error_of(database, "SELECT 1"), Lost)
        connection.execute("DROP ROLE one")


async def test_a_route_that_reads_answers_503(start_service: StartService, flaky: FlakyDatabase) -> None:
    async with start_service(SERVED, database_url=flaky.url) as service, Database(flaky.url) as database:
        app: FastAPI = service.app

        @app.get("/numbers")
        async def numbers() -> int:
            async with database.read() as session:
                return await session.scalar(select(func.count()).select_from(Operation)) or 0

        assert (await service.http.get("/numbers")).status_code == 200
        await flaky.stop()
        answer = await service.http.get("/numbers")
        assert (answer.status_code, answer.json()["type"], "Retry-After" in answer.headers) == (
            503,
            "unavailable",
            True,
        )


async def test_a_database_that_is_closed_leaves_no_task(database_url: str) -> None:
    """SQLite's driver may never end a connection whose making was canceled, and with it the process."""
    before = asyncio.all_tasks()
    for turns in range(20):
        async with Database(database_url) as database:
            database.lost(OSError("gone"), monotonic())
            await asyncio.sleep(turns / 4000)
        assert asyncio.all_tasks() == before


# Without a database


class Thing(Resource):
    """Is away while ``wrong`` says so."""

    def __init__(self) -> None:
        super().__init__("the thing")
        self.wrong = ""
        self.aborted = 0

    async def probe(self) -> None:
        if self.wrong:
            raise OSError(self.wrong)

    def abort(self) -> None:
        self.aborted += 1


async def test_a_run_that_loses_it_again_and_again_pauses_longer_each_time() -> None:
    """Its own statement may be what breaks the connection, for all runs."""
    thing = Thing()
    waited = []
    for losses in range(1, 4):
        thing.lost(OSError("broken"), monotonic())
        started = monotonic()
        assert await thing.returned(losses, left=100)
        waited.append(monotonic() - started)
    assert waited[0] < 1 <= waited[1] < 2 <= waited[2]


async def test_a_worker_takes_nothing_while_it_is_away(definition: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = 0
    ended = asyncio.Event()

    async def poll(request: web.Request) -> web.StreamResponse:
        nonlocal streams
        streams += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await ended.wait()
        finally:
            streams -= 1
        return response

    app = web.Application(handler_args={"handler_cancellation": True})
    app.router.add_get("/poll/shop.workers/me", poll)
    async with TestServer(app, handler_cancellation=True) as server:
        settings = make_settings(definition)
        local = LocalConnection(group="workers")
        client = build(settings, definition.namespace(settings), "workers", listens=True, local=local)
        stream = ReconnectingSSE(str(server.make_url("/")), pid="me", group="shop.workers", backoff=NoBackoff())
        object.__setattr__(client, "source", stream)
        taken: list[str] = []

        async def take(run: str, version: int) -> None:
            taken.append(run)

        assert isinstance(client.resonate, WorkerResonate)
        monkeypatch.setattr(client.resonate.offers, "_execute", take)
        thing = Thing()
        worker.pause_in_outages(client, [thing])
        await stream.start()
        await until(lambda: streams == 1)
        thing.wrong = "gone"
        assert await thing.problem() == "the thing is away"
        await until(lambda: streams == 0)
        client.resonate.offers.add("job/1", 0)  # It came before the stream was closed.
        # A run that holds a place gives it up, so that another process takes it.
        assert thing.patience == outages.PATIENCE
        assert not stream.connected
        await asyncio.sleep(0.1)
        assert taken == []
        thing.wrong = ""
        await until(lambda: streams == 1 and taken == ["job/1"])
        assert await thing.problem() is None
        await stream.stop()
        ended.set()


async def test_readiness_asks_what_the_worker_needs(definition: Service) -> None:
    thing = Thing()
    port = free_port()
    settings = make_settings(definition, health_port=port)
    local = LocalConnection(group="workers")
    client = build(settings, definition.namespace(settings), "workers", listens=True, local=local)
    serving = asyncio.create_task(serve_group(settings, client, functions_of([]), [thing]))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:

        async def answers(status: int) -> bool:
            try:
                return (await http.get("/readyz")).status_code == status
            except httpx.TransportError:
                return False

        await until(lambda: answers(200))
        thing.wrong = "gone"
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()["detail"]) == (503, "the thing is away")
        thing.wrong = ""
        await until(lambda: answers(200))
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await serving


async def test_a_run_that_has_waited_for_long_is_handed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    thing = Thing()
    thing.patience = 0.1
    thing.wrong = "gone"
    thing.lost(OSError("gone"), monotonic())
    assert not await thing.returned(1, left=100)
    with pytest.raises(Lost):
        thing.check()
    # At the stop of the process it is handed back at once.
    thing.patience = None
    waiting = asyncio.create_task(thing.returned(1, left=100))
    await asyncio.sleep(0)
    thing.hand_back()
    async with asyncio.timeout(10):
        assert not await waiting
    assert thing.aborted == 1
