"""`reads`, `pages` and `http.queries`: what the API reads without starting work."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict
from shop.runtime import outages
from shop.runtime.database import Database, Operation, migrate
from shop.runtime.errors import InvalidCursor, MissingSetting, QueryTimedOut
from shop.runtime.http.app import install
from shop.runtime.http.auth import AuthenticatedRoute
from shop.runtime.http.openapi import authenticated
from shop.runtime.http.queries import LISTED, Cursor, Limit, paged, reading
from shop.runtime.outages import Lost
from shop.runtime.pages import Orders, Page, PageRequest, read_page
from shop.runtime.reads import ReadDatabase
from shop.runtime.service import Service
from shop.runtime.testing.databases import Databases
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import StartService, problem
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from .flaky_database import flaky_database
from .planting import planted_service
from .telemetry import Log
from .waiting import until

pytestmark = pytest.mark.usefixtures("no_settings")


class Item(BaseModel):
    """An operation, as a list shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    created_at: datetime


ORDERS: Orders = {"id": (Operation.id,), "created_at": (Operation.created_at, Operation.id)}
Order = Literal["id", "-id", "created_at", "-created_at"]


async def operations(session: AsyncSession, page: PageRequest) -> Page[Item]:
    return await read_page(session, select(Operation), page, ORDERS, Item.model_validate)


router = APIRouter(route_class=AuthenticatedRoute)


@router.get("/operations/of the day", openapi_extra=authenticated(), responses=LISTED)
async def list_operations(
    request: Request,
    response: Response,
    kind: str = "",
    order: Order = "id",
    limit: Limit = 2,
    cursor: Cursor = None,
) -> Page[Item]:
    async with reading(request) as session:
        return paged(await operations(session, PageRequest(limit, cursor, order)), request, response)


async def count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Operation)) or 0


async def add(database: Database, *ids: str) -> None:
    """Add operations; several have one moment."""
    first = datetime(2026, 1, 1, tzinfo=UTC)
    async with database.write() as session:
        for number, name in enumerate(ids):
            moment = first - timedelta(microseconds=number // 2)
            session.add(Operation(id=name, request="r", result=None, created_at=moment))


# The database


@pytest.mark.parametrize("how", ["orm", "orm-statement", "core", "text", "ddl"])
async def test_the_database_itself_refuses_to_write(reads: ReadDatabase, how: str) -> None:
    row = {"id": "db/op/1", "request": "r", "result": None}
    with pytest.raises(RuntimeError, match="a query writes, and the database refused it"):
        async with reads.session() as session:
            match how:
                case "orm":
                    session.add(Operation(**row))
                case "orm-statement":
                    await session.execute(insert(Operation).values(**row))
                case "core":
                    await (await session.connection()).execute(insert(Operation).values(**row))
                case "text":
                    await session.execute(text("DELETE FROM operations"))
                case _:
                    await session.execute(text("CREATE TABLE other (id INTEGER)"))
    assert await reads.problem() is None
    async with reads.session() as session:
        assert await count(session) == 0


async def test_all_that_a_query_reads_is_of_one_moment(database: Database, reads: ReadDatabase) -> None:
    async with reads.session() as session:
        assert await count(session) == 0
        await add(database, "a")
        assert await count(session) == 0
    async with reads.session() as session:
        assert await count(session) == 1


async def test_connections_have_a_bound(definition: Service, database_url: str) -> None:
    settings = make_settings(definition, database_pool_size=2, read_timeout=1)
    async with ReadDatabase(database_url, settings, definition.migrations) as reads:
        async with reads.session() as one, reads.session() as two:
            assert [await count(one), await count(two)] == [0, 0]
            with pytest.raises(Lost):
                async with reads.session() as three:
                    await count(three)
        async with reads.session() as session:
            assert await count(session) == 0


async def test_a_request_waits_for_a_connection(definition: Service, database_url: str) -> None:
    settings = make_settings(definition, database_pool_size=1)
    async with ReadDatabase(database_url, settings, definition.migrations) as reads:

        async def read() -> int:
            async with reads.session() as session:
                return await count(session)

        assert await asyncio.gather(*(read() for _ in range(20))) == [0] * 20


@pytest.mark.postgres
async def test_a_statement_that_takes_too_long(definition: Service, database_url: str) -> None:
    settings = make_settings(definition, read_timeout=1)
    async with ReadDatabase(database_url, settings, definition.migrations) as reads:
        with pytest.raises(QueryTimedOut):
            async with reads.session() as session:
                await session.execute(text("SELECT pg_sleep(20)"))
        assert await reads.problem() is None


async def test_it_is_away_until_it_is_migrated(
    definition: Service, databases: Databases, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    monkeypatch.setattr(outages, "PROBE_AWAY_EVERY", 0.05)
    url = databases.create_empty()
    async with ReadDatabase(url, make_settings(definition), definition.migrations).watched() as reads:
        await until(lambda: reads._away_because is not None)
        assert await reads.problem() == "the database is away"
        with pytest.raises(Lost, match="the database is at migration none, the code needs"):
            async with reads.session():
                pass
        migrate(url, definition.migrations)
        await until(lambda: reads._away_because is None)
        async with reads.session() as session:
            assert await count(session) == 0
    said = [line["message"] for line in log.lines() if "the database is away" in line["message"]]
    assert len(said) == 1 and said[0].startswith("the database is away: queries are answered with 503: ")


# Which process reads

QUERY = """
from sqlalchemy.ext.asyncio import AsyncSession


async def nothing(session: AsyncSession) -> None:
    return None
"""


def test_only_an_api_with_queries_asks_for_a_database(tmp_path: Any) -> None:
    with planted_service(tmp_path, {"db/queries/__init__.py": ""}) as service:
        without = service.settings(_env_file=None)
        assert not service.has_queries
        service.api(without)
        (service.directory / "db/queries/nothing.py").write_text(QUERY)
        assert service.has_queries
        with pytest.raises(MissingSetting, match="DATABASE_URL is not set, and this process needs it"):
            service.api(without)
        for name in ("database_url", "read_database_url"):
            service.api(service.settings(_env_file=None, **{name: "sqlite:///x.db"}))


async def test_it_reads_where_it_is_told_to(definition: Service, databases: Databases) -> None:
    mine, other = databases.create(), databases.create()
    async with Database(other) as database:
        await add(database, "a")
    settings = make_settings(definition, database_url=mine, read_database_url=other)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Service, "has_queries", True)
        async with definition.reads(settings) as reads:
            assert reads is not None
            async with reads.session() as session:
                assert await count(session) == 1


# Pages


@pytest.mark.parametrize("order", ["id", "-id", "created_at", "-created_at"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_pages_after_one_another_are_the_list(
    database: Database, reads: ReadDatabase, order: str, limit: int
) -> None:
    names = ["ä", "b", "a'", 'c"', "d:e", "f/g", "\U0001f600"]
    await add(database, *names)
    async with reads.session() as session:
        whole = await operations(session, PageRequest(100, None, order))
        walked: list[Item] = []
        sizes: list[int] = []
        cursor: str | None = None
        while not sizes or cursor is not None:
            page = await operations(session, PageRequest(limit, cursor, order))
            walked += page.items
            sizes.append(len(page.items))
            cursor = page.next_cursor
        other_way = order[1:] if order[0] == "-" else f"-{order}"
        backwards = await operations(session, PageRequest(100, None, other_way))
    assert walked == whole.items
    assert {item.id for item in walked} == set(names)
    assert sizes == [limit] * (7 // limit) + [7 % limit] * (7 % limit > 0)
    assert backwards.items == walked[::-1]


async def test_a_page_is_not_moved_by_rows_that_come_and_go(database: Database, reads: ReadDatabase) -> None:
    await add(database, "b", "c", "d")
    async with reads.session() as session:
        first = await operations(session, PageRequest(2, None, "id"))
    async with database.write() as session:
        await session.execute(text("DELETE FROM operations WHERE id = 'c'"))
    await add(database, "a")
    async with reads.session() as session:
        second = await operations(session, PageRequest(2, first.next_cursor, "id"))
    assert [item.id for item in (*first.items, *second.items)] == ["b", "c", "d"]


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


async def cursor_of(reads: ReadDatabase, order: str) -> str:
    async with reads.session() as session:
        page = await operations(session, PageRequest(1, None, order))
    assert page.next_cursor is not None
    return page.next_cursor


async def test_a_cursor_is_good_for_its_list_and_order_alone(database: Database, reads: ReadDatabase) -> None:
    await add(database, "a", "b", "c")
    cursor = await cursor_of(reads, "created_at")
    made_up: list[Any] = [["id", "\0"], ["id", "\ud800"], ["id", 1], ["id"], ["id", "a", "b"], "id", 7, [], {"id": 1}]
    made_up += [["created_at", moment, "a"] for moment in ("2026-01-01T00:00:00", 10**30, None)]
    wrongs = [("created_at" if "created_at" in str(it) else "id", encoded(json.dumps(it))) for it in made_up]
    wrongs += [("id", cursor), ("-created_at", cursor), ("created_at", cursor[:-4]), ("id", "x"), ("id", "ä")]
    for order, wrong in [*wrongs, ("id", encoded("[" * 3000))]:
        with pytest.raises(InvalidCursor):
            async with reads.session() as session:
                await operations(session, PageRequest(1, wrong, order))


async def test_no_list_is_in_the_order_of_what_may_be_null(reads: ReadDatabase) -> None:
    orders: Orders = {"result": (Operation.result, Operation.id)}
    with pytest.raises(TypeError, match="result may be NULL"):
        async with reads.session() as session:
            await read_page(session, select(Operation), PageRequest(1, None, "result"), orders, Item.model_validate)


# Over HTTP


@pytest.fixture
async def http(definition: Service, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """An application that only reads, behind a prefix."""
    settings = make_settings(definition, database_url=database_url, root_path="/v1")
    app = FastAPI()
    install(app, settings, [router])
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        ReadDatabase(database_url, settings, definition.migrations) as app.state.reads,
        httpx.AsyncClient(transport=transport, base_url="http://test") as http,
    ):
        app.state.client = None  # It asks no engine.
        yield http


@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_the_link_leads_from_page_to_page(database: Database, http: httpx.AsyncClient, prefix: str) -> None:
    await add(database, "a", "b", "c", "d", "e")
    url, seen = f"{prefix}/operations/of%20the%20day?kind=x%26y&limit=2&order=-id", []
    while url:
        answer = await http.get(url)
        assert answer.status_code == 200, answer.text
        seen.append([item["id"] for item in answer.json()["items"]])
        link = answer.links.get("next", {}).get("url", "")
        assert bool(link) == (answer.json()["next_cursor"] is not None)
        assert not link or link.startswith("/v1/operations/of%20the%20day?kind=x%26y&limit=2&order=-id&cursor=")
        url = link
    assert seen == [["e", "d"], ["c", "b"], ["a"]]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("limit=0", "invalid-request"),
        ("limit=101", "invalid-request"),
        ("order=request", "invalid-request"),
        ("cursor=", "invalid-request"),
        ("cursor=%00", "invalid-request"),
        ("cursor=abcd", "invalid-cursor"),
    ],
)
async def test_what_a_list_does_not_take(http: httpx.AsyncClient, query: str, kind: str) -> None:
    assert problem(await http.get(f"/operations/of%20the%20day?{query}")) == (422, kind)


async def test_an_outage_is_a_503_and_the_api_is_not_ready(
    definition: Service, postgres: str, start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "PROBE_AWAY_EVERY", 0.05)
    monkeypatch.setattr(Service, "has_queries", True)
    migrate(postgres, definition.migrations)
    async with flaky_database(postgres) as flaky, start_service(read_database_url=flaky.url) as service:
        service.app.include_router(router)
        path = "/operations/of%20the%20day"
        assert (await service.http.get(path)).status_code == 200
        assert (await service.http.get("/readyz")).status_code == 200
        await flaky.stop()
        for _ in range(3):
            assert problem(await service.http.get(path)) == (503, "unavailable")
        not_ready = await service.http.get("/readyz")
        assert problem(not_ready) == (503, "unavailable")
        assert not_ready.json()["detail"] == "This process does not work: the database is away."
        assert (await service.http.get("/livez")).status_code == 200
        await flaky.start()

        async def back() -> bool:
            return (await service.http.get("/readyz")).status_code == 200

        await service.poll_until(back)
        assert (await service.http.get(path)).status_code == 200
