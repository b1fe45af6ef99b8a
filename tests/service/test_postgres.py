"""`engine.postgres`: Postgres as the engine goes on after errors, and says whether work arrives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import DiskFull, InsufficientPrivilege, OperationalError
from psycopg_pool import PoolTimeout
from resonate.error import ConnectorError
from resonate.retry import ExponentialBackoff, NoBackoff
from shop.runtime.engine import postgres as postgres_module
from shop.runtime.engine.clock import EngineClock
from shop.runtime.engine.postgres import ResilientPostgres, with_keep_alive

from .waiting import until


class Sessions:
    """A stand-in for Postgres whose first session fails."""

    def __init__(self, failures: int = 1, is_due: bool = True) -> None:
        self.statements: list[str] = []
        self.failures = failures
        self.is_due = is_due

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("a blip")
        yield self

    async def execute(self, query: str, params: Any = None) -> Any:
        self.statements.append(query)
        return self

    async def fetchall(self) -> Any:
        return []

    async def fetchone(self) -> Any:
        return (self.is_due,)

    async def dedicated(self) -> Any:
        raise ConnectionError("not listening")

    async def close(self) -> None:
        self.failures = 0


class Refusing(Sessions):
    """Postgres as a role that may not drive the timers sees it."""

    async def execute(self, query: str, params: Any = None) -> Any:
        if "EXISTS" in query:
            raise InsufficientPrivilege
        return await super().execute(query, params)


class Listening(Sessions):
    """Postgres whose listening never ends."""

    async def dedicated(self) -> Any:
        return self

    async def notifies(self) -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield


class Schedules(Sessions):
    """The table of schedules, as far as a role may read it."""

    def __init__(self, rows: Any) -> None:
        super().__init__(failures=0)
        self.rows = rows

    async def execute(self, query: str, params: Any = None) -> Any:
        if isinstance(self.rows, Exception):
            raise self.rows
        assert params == ("shop/",)
        return self

    async def fetchall(self) -> Any:
        return self.rows


class Answering(Sessions):
    """The engine in Postgres: hangs or raises in the given ways, then answers at a moment of its clock."""

    def __init__(self, *wrong: Exception | None, at: float = 0.0) -> None:
        super().__init__(failures=0)
        self.wrong = list(wrong)
        self.at = at

    async def execute(self, query: str, params: Any = None) -> Any:
        self.statements.append(query)
        error = self.wrong.pop(0) if self.wrong else Ellipsis
        if error is None:
            await asyncio.sleep(60)
        if isinstance(error, Exception):
            raise error
        return self

    async def fetchone(self) -> Any:
        return ("answered", self.at)


@pytest.mark.parametrize(
    "wrong",
    [None, OperationalError("the connection is lost"), DiskFull("no space"), PoolTimeout("none"), OSError("reset")],
)
async def test_a_request_without_an_answer_is_made_again(
    monkeypatch: pytest.MonkeyPatch, wrong: Exception | None
) -> None:
    monkeypatch.setattr(ResilientPostgres, "_BACKOFF", NoBackoff())
    monkeypatch.setattr(postgres_module, "TRY_TIMEOUT", 0.2 if wrong is None else 30)
    sessions = Answering(wrong, wrong)
    postgres = ResilientPostgres(sessions=sessions)
    await postgres.start()
    async with asyncio.timeout(30):
        assert await postgres.send("{}") == "answered"
    assert len(sessions.statements) == 3
    await postgres.stop()
    with pytest.raises(ConnectorError):
        await postgres.send("{}")


class Stubborn(Answering):
    """A query that is not given up when it should be, as psycopg does where Postgres hangs."""

    async def execute(self, query: str, params: Any = None) -> Any:
        self.statements.append(query)
        if len(self.statements) > 2:
            return self
        try:
            await asyncio.sleep(120)
        except asyncio.CancelledError:
            await asyncio.sleep(60)
            raise


async def test_nobody_waits_for_a_query_that_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResilientPostgres, "_BACKOFF", NoBackoff())
    postgres = ResilientPostgres(sessions=Stubborn())
    await postgres.start()
    async with asyncio.timeout(30):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await postgres.send("{}")
        monkeypatch.setattr(postgres_module, "TRY_TIMEOUT", 0.1)
        assert await postgres.send("{}") == "answered"
    for tried in list(postgres._tries):  # Or the test would wait for them.
        tried.cancel()
    await postgres.stop()


async def test_a_request_that_postgres_refuses_is_not_made_again() -> None:
    sessions = Answering(InsufficientPrivilege("no"))
    postgres = ResilientPostgres(sessions=sessions)
    await postgres.start()
    with pytest.raises(ConnectorError):
        await postgres.send("{}")
    assert len(sessions.statements) == 1
    await postgres.stop()


async def test_a_request_ends_when_its_connection_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Answering(*[OperationalError("away")] * 100)
    monkeypatch.setattr(ResilientPostgres, "_BACKOFF", ExponentialBackoff(initial=60, max_delay=60))
    postgres = ResilientPostgres(sessions=sessions)
    await postgres.start()
    sending = asyncio.create_task(postgres.send("{}"))
    await until(lambda: sessions.statements)
    await postgres.stop()
    with pytest.raises(ConnectorError, match="stopped"):
        await sending


async def test_an_answer_tells_the_engine_s_clock() -> None:
    clock = EngineClock()
    postgres = ResilientPostgres(sessions=Answering(at=time() - 400), clock=clock)
    await postgres.send("{}")
    assert abs(clock.skew + 400) < 30
    await postgres.stop()


def test_a_connection_notices_that_its_other_side_is_gone() -> None:
    added = conninfo_to_dict(with_keep_alive("postgresql://u:p%20w@h:1/db?connect_timeout=2"))
    assert (added["host"], added["password"], added["dbname"]) == ("h", "p w", "db")
    assert added["connect_timeout"] == "2"  # What the URL says holds.
    assert added["tcp_user_timeout"] == "10000"
    idle, interval, count = (int(added[f"keepalives_{name}"] or 0) for name in ("idle", "interval", "count"))
    assert 0 < idle + interval * count <= 60


async def test_timers_go_on_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResilientPostgres, "_PAUSE", 0.05)
    sessions = Sessions()
    postgres = ResilientPostgres(sessions=sessions)
    for _ in range(2):
        await postgres._fire_timers()
    assert sessions.statements == []
    await asyncio.sleep(0.06)
    await postgres._fire_timers()
    assert sessions.statements[1:] == ["SELECT resonate.process_timeouts()"]


@pytest.mark.parametrize("is_due", [True, False])
async def test_timers_run_where_something_is_due_and_once_a_tick(is_due: bool) -> None:
    """The engine's own function reads all that is kept, and messages are fetched whenever one arrives."""
    sessions = Sessions(failures=0, is_due=is_due)
    postgres = ResilientPostgres(sessions=sessions, tick=0.1)
    for _ in range(5):
        await postgres._fire_timers()
    asked = [statement for statement in sessions.statements if "EXISTS" in statement]
    assert len(asked) == 1
    assert len(sessions.statements) - len(asked) == is_due
    await asyncio.sleep(0.1)
    await postgres._fire_timers()
    assert len(sessions.statements) == 2 * (1 + is_due)


async def test_it_is_connected_while_its_loops_live_and_its_timers_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResilientPostgres, "_PAUSE", 0.2)
    postgres = ResilientPostgres(sessions=Listening(), tick=0.01)
    assert not postgres.connected
    postgres.recv(lambda message: None)
    await postgres.start()
    await until(lambda: not postgres._timers_run)
    assert not postgres.connected
    await until(lambda: postgres.connected)
    # Nothing was fetched for long: a session that hangs, say.
    monkeypatch.setattr(ResilientPostgres, "_STALE", -1.0)
    assert not postgres.connected
    monkeypatch.undo()
    await until(lambda: postgres.connected)
    listener = postgres._tasks[-1]
    listener.cancel()
    await until(listener.done)
    assert not postgres.connected
    await postgres.stop()


async def test_timers_that_somebody_else_drives_are_no_fault() -> None:
    postgres = ResilientPostgres(sessions=Refusing(failures=0), tick=0.01)
    postgres.recv(lambda message: None)
    await postgres.start()
    await until(lambda: postgres.connected)
    await postgres.stop()
    assert not postgres.connected


async def test_it_can_stop_listening_and_still_send() -> None:
    sessions = Listening(failures=0)
    postgres = ResilientPostgres(sessions=sessions, tick=0.01)
    postgres.recv(lambda message: None)
    await postgres.start()
    tasks = list(postgres._tasks)
    await postgres.stop_listening()
    assert tasks and all(task.done() for task in tasks)
    assert not postgres.connected
    async with postgres._sessions.session() as session:
        await session.execute("SELECT 1")
    assert sessions.statements[-1] == "SELECT 1"
    await postgres.stop()


async def test_schedules_are_read_where_they_may_be() -> None:
    readable = ResilientPostgres(sessions=Schedules([("shop/a",), ("shop/b",)]))
    assert await readable.schedule_ids("shop/") == {"shop/a", "shop/b"}
    assert await ResilientPostgres(sessions=Schedules(InsufficientPrivilege())).schedule_ids("shop/") is None
    with pytest.raises(ConnectorError):
        await ResilientPostgres(sessions=Schedules(ConnectionError("a blip"))).schedule_ids("shop/")
