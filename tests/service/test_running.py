"""`testing.running`: what a test is told when something does not end."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.database import Database, migrate
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.errors import Failure
from shop.runtime.http.work import Status, WorkError
from shop.runtime.service import Service
from shop.runtime.telemetry.runs import last_error
from shop.runtime.testing import running
from shop.runtime.testing.running import StartService, free_port, open_calls, problem, serve_on_port
from sqlalchemy import text


class Item(BaseModel):
    name: str = "-"


work = Rpc(name="work", group="workers", request=Item, result=Item)
note = Rpc(name="db.note", group="db", request=Item, result=Item)
pay = Rpc(name="pay", group="payments.workers", request=Item, result=Item)
gate = Gate("ask", Item)


# What does not end


@serve(work)
async def call_others(ctx: Context, item: Item) -> Item:
    """Calls another team, which is not there."""
    await pay(ctx, item)
    return item


@serve(work)
async def wait_at_gate(ctx: Context, item: Item) -> Item:
    await gate.wait(ctx, timedelta(minutes=1))
    return item


@serve(work)
async def run_step(ctx: Context, item: Item) -> Item:
    await ctx.run(never_end)
    return item


async def never_end(ctx: Context) -> None:
    await asyncio.sleep(60)


@serve(work)
async def call_note(ctx: Context, item: Item) -> Item:
    return await note(ctx, item)


@serve(note, retries=6)
async def fail_to_note(ctx: Context, item: Item) -> Item:
    raise ConnectionError("the database is away")


async def test_a_call_that_nobody_serves(start_service: StartService, monkeypatch: pytest.MonkeyPatch) -> None:
    async with start_service([call_others], shutdown_grace=0) as service:
        await work.start(service.client, "job/1", Item())
        await service.poll_until(lambda: service.client.find("job/1:1"), "the call is made")
        monkeypatch.setattr(running, "TIMEOUT", 0.1)
        for run in (service.run, service.outcome):
            with pytest.raises(pytest.fail.Exception) as failed:
                await run(work, "job/1", Item())
            assert str(failed.value).splitlines() == [
                "work job/1: not done after 0.1 s",
                "open calls:",
                "  shop/job/1: work, of group shop.workers",
                "  shop/job/1:1: pay, of group payments.workers, and nothing here serves it",
            ]


async def test_a_gate_that_nobody_answers(start_service: StartService) -> None:
    async with start_service([wait_at_gate], shutdown_grace=0) as service:
        await work.start(service.client, "job/waits", Item())
        await service.poll_until(lambda: service.client.find("ask/job/waits"), "the gate is open")
        calls = open_calls(service.client).splitlines()
    assert "  shop/ask/job/waits: an answer from outside" in calls
    assert any(call.startswith("  shop/job/waits:1: gate.hold, of group ") for call in calls)
    assert not any("nothing here serves it" in call for call in calls)


async def test_a_step_that_does_not_end(start_service: StartService) -> None:
    async with start_service([run_step], shutdown_grace=0) as service:
        await work.start(service.client, "job/1", Item())
        await service.poll_until(lambda: service.client.find("job/1:1"), "the step runs")
        assert "  shop/job/1:1: a step that runs" in open_calls(service.client).splitlines()


async def test_a_call_that_is_tried_again_and_again(start_service: StartService) -> None:
    async def has_raised() -> bool:
        return last_error("shop/job/1:1") is not None

    async with start_service([call_note, fail_to_note], shutdown_grace=0) as service:
        await work.start(service.client, "job/1", Item())
        await service.poll_until(has_raised, "the call has raised")
        calls = open_calls(service.client).splitlines()
    expected = "  shop/job/1:1: db.note, of group shop.db; its last run raised ConnectionError: the database is away"
    assert expected in calls


async def test_what_another_test_raised_is_forgotten(start_service: StartService) -> None:
    """Ids are short in tests, and the same in many."""

    @serve(work)
    async def fail(ctx: Context, item: Item) -> Item:
        raise ValueError("of the other test")

    async with start_service([fail]) as service:
        await service.outcome(work, "job/again", Item())
    async with start_service([wait_at_gate], shutdown_grace=0) as service:
        await work.start(service.client, "job/again", Item())
        assert "of the other test" not in open_calls(service.client)


async def test_nothing_is_open_once_all_has_ended(start_service: StartService) -> None:
    @serve(work)
    async def do_nothing(ctx: Context, item: Item) -> Item:
        return item

    async with start_service([do_nothing]) as service:
        await service.run(work, "job/1", Item())
        assert open_calls(service.client) == "no call is open"


async def test_what_a_test_waits_for_is_named(start_service: StartService, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> bool:
        return False

    monkeypatch.setattr(running, "TIMEOUT", 0.1)
    async with start_service([wait_at_gate], shutdown_grace=0) as service:
        await work.start(service.client, "job/1", Item())
        with pytest.raises(pytest.fail.Exception) as failed:
            await service.poll_until(never, "the order is paid")
        assert str(failed.value).splitlines()[:2] == ["the order is paid: not within 0.1 s", "open calls:"]
        with pytest.raises(pytest.fail.Exception, match="what the test waits for: not within"):
            await service.poll_until(never)
        with pytest.raises(pytest.fail.Exception, match="an answer to gate ask of job/2 is taken: not within"):
            await service.answer(gate, "job/2", Item())


async def test_polling_returns_what_it_finds(start_service: StartService) -> None:
    found = iter([None, False, 0])

    async def probe() -> int | None:
        return next(found)

    async with start_service() as service:
        assert await service.poll_until(probe) == 0


# What fails


async def test_a_failure_is_told_with_what_was_raised(start_service: StartService) -> None:
    @serve(work)
    async def refuse(ctx: Context, item: Item) -> Item:
        raise Failure("there is none")

    async with start_service([refuse]) as service:
        with pytest.raises(pytest.fail.Exception) as failed:
            await service.run(work, "job/1", Item())
        outcome = await service.outcome(work, "job/1", Item())
    assert str(failed.value) == "work job/1: failed: there is none (Failure: there is none)"
    assert (outcome.status, outcome.error) == (
        Status.FAILED,
        WorkError(code="work-failed", message="there is none"),
    )


@pytest.fixture
def with_notes(definition: Service, tmp_path: Path) -> Iterator[str]:
    """A SQLite database with a column whose default only Postgres knows."""
    path = tmp_path / "notes.db"
    migrate(f"sqlite:///{path}", definition.migrations)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (id TEXT DEFAULT (gen_random_uuid()), text TEXT)")
    yield f"sqlite:///{path}"


async def test_an_error_of_the_database_is_told(start_service: StartService, with_notes: str) -> None:
    @serve(note)
    async def insert(ctx: Context, item: Item) -> Item:
        async with ctx.get_dependency(Database).write() as session:
            await session.execute(text("INSERT INTO notes (text) VALUES (:text)"), {"text": item.name})
        return item

    async with start_service([insert], database_url=with_notes) as service:
        with pytest.raises(pytest.fail.Exception) as failed:
            await service.run(note, "job/1", Item())
    told = str(failed.value)
    assert told.startswith("db.note job/1: failed: internal error in db.note: see its log for shop/job/1 (Operational")
    assert "unknown function: gen_random_uuid()" in told


# Serving


def test_an_application_on_a_port() -> None:
    app = FastAPI()

    @app.get("/")
    async def root() -> str:
        return "here"

    with serve_on_port(app) as url:
        assert httpx.get(url).json() == "here"
    with pytest.raises(httpx.TransportError):
        httpx.get(url)


def test_free_ports_are_free() -> None:
    port = free_port()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        ({"type": "t", "title": "T", "status": 400, "detail": "d"}, "application/json"),
        ({"type": "t", "title": "T", "status": 404, "detail": "d"}, "application/problem+json"),
        ({"type": "t", "title": "T", "status": 400}, "application/problem+json"),
        ({"type": "t", "title": "T", "status": 400, "detail": "Traceback"}, "application/problem+json"),
        ({"type": "t", "title": "T", "status": 400, "detail": running.SECRET}, "application/problem+json"),
    ],
    ids=["media type", "status", "member", "traceback", "secret"],
)
def test_what_is_no_good_problem(content: dict[str, object], media_type: str) -> None:
    response = httpx.Response(400, content=json.dumps(content), headers={"Content-Type": media_type})
    with pytest.raises(AssertionError):
        problem(response)


def test_a_good_problem() -> None:
    content = {"type": "not-found", "title": "Not Found", "status": 404, "detail": "There is no such id."}
    response = httpx.Response(404, json=content, headers={"Content-Type": "application/problem+json"})
    assert problem(response) == (404, "not-found")
