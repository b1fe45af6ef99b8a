"""`engine.run_list`: the runs of this service, the newest first, on every engine."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

import psycopg
import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.types import TaskData, Value
from shop.runtime.durable.rpc import Rpc
from shop.runtime.engine import run_list
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.run_list import list_runs
from shop.runtime.engine.run_status import Status
from shop.runtime.engine.run_tags import tags_of_run, tags_of_scheduled_run
from shop.runtime.engine.runs import Position, RunPage, RunQuery
from shop.runtime.engine.upkeep import prepare
from shop.runtime.engine.worker import stop
from shop.runtime.errors import Failure, InvalidCursor, OperatorError
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings
from sqlalchemy import make_url

from .engines import engine_process

pytestmark = pytest.mark.usefixtures("no_settings")

MINUTE = 60_000
NOW = int(time() * 1000)
NIGHT = NOW // (24 * 60 * MINUTE) * 24 * 60 * MINUTE  # When this day began, in UTC.


class Work(BaseModel):
    amount: int = 1


work = Rpc("work", "workers", Work, Work)

# As much of resonate-pg's table as a list reads.
TABLE = """
CREATE SCHEMA resonate;
CREATE TABLE resonate.promises (
    id text PRIMARY KEY, state text NOT NULL, tags jsonb NOT NULL, param_data text, value_data text,
    external boolean NOT NULL DEFAULT true, timeout_at bigint NOT NULL, created_at bigint NOT NULL, settled_at bigint);
CREATE FUNCTION resonate._promise_timed(p resonate.promises) RETURNS boolean LANGUAGE sql IMMUTABLE
    SET search_path = resonate AS $$ SELECT p.state = 'pending' AND p.external $$;
"""


class Runs:
    """Makes runs on one engine that began at given moments (Unix ms), and lists them."""

    def __init__(self, client: EngineClient, connection: psycopg.Connection[Any] | None = None) -> None:
        self.client = client
        self._connection = connection

    async def make(self, promise: str, at: int, state: str = "pending", code: str = "broken") -> None:
        tags = {"resonate:target": "poll://any@shop.workers", **tags_of_run(self.client.namespace, promise, at)}
        task = TaskData(func="work", args=({"amount": 1},), version=1)
        if self._connection is not None:
            self._insert(promise, tags, task, at, state, code)
            return
        await self.client.create(promise, task, NOW + 3_600_000, tags)
        if state == "resolved":
            await self.client.resolve(promise, {"amount": 1})
        elif state == "rejected":
            await self.client.reject(promise, Failure("no", code=code))

    def _insert(self, promise: str, tags: Any, task: TaskData, at: int, state: str, code: str) -> None:
        assert self._connection is not None
        encode = self.client.resonate.promises.codec.encode
        value = encode(Failure("no", code=code)).data if state == "rejected" else None
        ended = None if state == "pending" else at + 1
        row = (f"shop/{promise}", state, json.dumps(tags), encode(task).data, value, NOW + 3_600_000, at, ended)
        self._connection.execute(
            "INSERT INTO resonate.promises "
            "(id, state, tags, param_data, value_data, timeout_at, created_at, settled_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            row,
        )

    async def page(self, **query: Any) -> RunPage:
        return await list_runs(self.client, RunQuery(**query))

    async def ids(self, **query: Any) -> list[str]:
        return [run.id for run in (await self.page(**query)).runs]

    async def pages(self, limit: int, **query: Any) -> list[str]:
        """All ids, page by page."""
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = await self.page(limit=limit, cursor=cursor, **query)
            assert len(page.runs) <= limit
            found += [run.id for run in page.runs]
            cursor = page.next_cursor
            if cursor is None:
                return found


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    with engine_process() as url:
        yield url


@pytest.fixture
def database(postgres: str) -> Iterator[tuple[str, psycopg.Connection[Any]]]:
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS runs WITH (FORCE)")
        admin.execute("CREATE DATABASE runs ENCODING 'UTF8' TEMPLATE template0")
    url = make_url(postgres).set(database="runs").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE)
        yield url, connection


@pytest.fixture(params=["in_process", "engine", "postgres"])
async def runs(request: pytest.FixtureRequest, definition: Service) -> AsyncIterator[Runs]:
    """One engine after the other, with no runs. Of the one that all tests share, each test has a namespace."""
    async with AsyncExitStack() as stack:
        if request.param == "postgres":
            url, connection = request.getfixturevalue("database")
            prepare(url)
            yield Runs(await stack.enter_async_context(connected(definition, resonate_url=url)), connection)
        elif request.param == "engine":
            url = request.getfixturevalue("engine")
            namespace = f"shop-{abs(hash(request.node.name)) % 10**9}"
            yield Runs(await stack.enter_async_context(connected(definition, resonate_url=url, namespace=namespace)))
        else:
            yield Runs(await stack.enter_async_context(connected(definition, local=LocalConnection(group="dev"))))


@asynccontextmanager
async def connected(
    definition: Service, local: LocalConnection | None = None, **settings: Any
) -> AsyncIterator[EngineClient]:
    found = make_settings(definition, **settings)
    client = build(found, definition.namespace(found), "api", listens=False, local=local)
    client.resonate.start()
    yield client
    await stop(client, timedelta(0))


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few runs are more than fit."""
    monkeypatch.setattr(run_list, "FIT", 2)
    monkeypatch.setattr(run_list, "FIT_IN_AN_HOUR", 2)


@pytest.mark.usefixtures("crowded")
async def test_the_newest_come_first_in_pages_of_any_length(runs: Runs) -> None:
    ages = [0, 1, 2, 2, 2, 2, 61, 62, 63, 700, 1500, 1501, 1502, 4000, 20_000]  # Minutes; five of one, and days apart.
    wanted = []
    for number, age in enumerate(ages):
        await runs.make(f"job/{number:02}", NOW - age * MINUTE)
        wanted.append((NOW - age * MINUTE, f"job/{number:02}"))
    await runs.make("job/old", NOW - 31 * 24 * 60 * MINUTE)
    newest_first = [promise for _, promise in sorted(wanted, reverse=True)]
    for limit in (1, 3, 4, 100):
        assert await runs.pages(limit) == newest_first
    since = datetime.fromtimestamp(NOW / 1000, UTC) - timedelta(days=40)
    assert (await runs.pages(5, since=since))[-1] == "job/old"
    between = {"since": moment(NOW - 100 * MINUTE), "until": moment(NOW - 2 * MINUTE)}
    assert await runs.pages(2, **between) == newest_first[2:9]


@pytest.mark.usefixtures("crowded")
async def test_a_page_asks_for_little_beside_many_runs(
    definition: Service, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(definition, resonate_url=engine, namespace="many") as client:
        runs = Runs(client)
        for number in range(60):
            await runs.make(f"job/{number}", NOW - number * MINUTE)
        found: list[int] = []
        sender: Any = client.resonate.promises.sender
        search = sender.promise_search

        async def counted(*asked: Any) -> Any:
            page = await search(*asked)
            found.append(len(page.promises))
            return page

        monkeypatch.setattr(sender, "promise_search", counted)
        assert await runs.ids(limit=1, kind="job") == ["job/0"]
        # All, a day, one or two hours, and some minutes of which the newest may have none.
        assert sum(found) <= 12 and len(found) <= 20, found


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


async def test_runs_of_a_status_a_kind_a_caller_or_a_text(runs: Runs) -> None:
    states = [("pending", ""), ("resolved", ""), ("rejected", "broken"), ("rejected", "canceled")]
    for number, (state, code) in enumerate(states):
        await runs.make(f"job/alice.{number}", NOW - number, state, code)
    await runs.make("report/bob.4", NOW - 4)
    found = {status: await runs.ids(status=status) for status in Status}
    assert found == {
        Status.RUNNING: ["job/alice.0", "report/bob.4"],
        Status.SUCCEEDED: ["job/alice.1"],
        Status.FAILED: ["job/alice.2"],
        Status.CANCELED: ["job/alice.3"],
        Status.TIMED_OUT: [],
    }
    assert (
        await runs.ids(kind="report") == await runs.ids(caller="bob") == await runs.ids(text="b.4") == ["report/bob.4"]
    )
    assert await runs.ids(caller="ali") == []
    (run,) = (await runs.page(kind="report")).runs
    assert (run.kind, run.function, run.group, run.caller) == ("report", "work", "shop.workers", "bob")


async def test_a_page_ends_that_looks_at_many_runs_in_vain(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "MOST_LOOKED_AT", 3)
    for number in range(5):
        await runs.make(f"job/{number}", NOW - number)
    page = await runs.page(text="job/4", limit=1)
    assert page.runs == [] and page.next_cursor is not None
    assert await runs.pages(1, text="job/4") == ["job/4"]


async def test_a_cursor_that_somebody_made_up_is_refused(runs: Runs) -> None:
    def made_up(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    forged: list[object] = [
        [-1, "x"],
        [1.5, "x"],
        [True, "x"],
        [1 << 60, "x"],
        [1, "\0"],
        [1, "\ud800"],
        [1, "x" * 401],
    ]
    for cursor in ("", "%", "é", "AAAA", *map(made_up, [*forged, [1], [1, 2], {}, None, [[1], "x"], "x"])):
        with pytest.raises(InvalidCursor):
            await runs.page(cursor=cursor)
    assert (await runs.page(cursor=Position(5, "x").cursor())).runs == []


@pytest.mark.parametrize("runs", ["in_process", "engine"], indirect=True)  # In the table nobody starts anything.
async def test_what_the_service_starts_is_listed_and_nothing_else(runs: Runs) -> None:
    await work.start(runs.client, "job/one", Work())
    await runs.client.create("approve/job/one", {"root": "job/one"}, NOW + 60_000, {"resonate:external": "true"})
    await runs.client.health_problem()
    (run,) = (await runs.page()).runs
    assert (run.id, run.status, run.started_by) == ("job/one", Status.RUNNING, f"{runs.client.namespace.name}/api")
    assert abs(run.began_at.timestamp() * 1000 - time() * 1000) < 600_000


@pytest.mark.usefixtures("crowded")
async def test_what_the_engine_starts_by_the_clock_is_listed_with_the_rest(definition: Service, engine: str) -> None:
    async with connected(definition, resonate_url=engine, namespace="clock") as client:
        runs = Runs(client)
        record = await client.resonate.schedules.create(
            id="clock/nightly",
            cron="30 2 * * *",
            promise_id="clock/schedule/nightly-{{.timestamp}}",
            promise_timeout=60_000,
            promise_param=Value(data=None),
            promise_tags={},
        )
        assert record.id == "clock/nightly"
        tags = {"resonate:target": "poll://any@clock.workers", **tags_of_scheduled_run(client.namespace, "nightly")}
        wanted = []
        for days in range(8):
            at = NIGHT - days * 24 * 60 * MINUTE
            await client.create(f"schedule/nightly-{at}", TaskData(func="schedule.run"), NOW + 60_000, tags)
            await runs.make(f"job/{days}", at + 1)
            wanted += [f"job/{days}", f"schedule/nightly-{at}"]
        assert await runs.pages(3) == wanted
        assert await runs.pages(5, kind="schedule") == wanted[1::2]
        assert await runs.pages(5, kind="job") == wanted[::2]


async def test_an_engine_that_lists_nothing_for_this_process_says_what_it_takes(
    definition: Service, database: tuple[str, psycopg.Connection[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, connection = database
    connection.execute("DROP ROLE IF EXISTS service")
    connection.execute("CREATE ROLE service LOGIN PASSWORD 'of-this-test'")
    connection.execute("GRANT USAGE ON SCHEMA resonate TO service")
    as_role = make_url(url).set(username="service", password="of-this-test").render_as_string(hide_password=False)
    async with connected(definition, resonate_url=as_role) as client:
        with pytest.raises(OperatorError, match=r"may not read the runs.*\n.*GRANT SELECT ON resonate\.promises"):
            await list_runs(client, RunQuery())
    connection.execute("DROP OWNED BY service")
    claims = base64.urlsafe_b64encode(json.dumps({"prefix": "shop/"}).encode()).decode().rstrip("=")
    monkeypatch.setenv("RESONATE_TOKEN", token := f"e30.{claims}.x")
    with engine_process() as guarded:
        async with connected(definition, resonate_url=guarded, resonate_token=token) as client:
            with pytest.raises(OperatorError, match=r"refused to a token with the claim `prefix`\n.*`role: admin`"):
                await list_runs(client, RunQuery())
