"""`engine.postgres`: Postgres as the engine goes on after errors, and says whether work arrives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from psycopg.errors import InsufficientPrivilege
from resonate.error import ConnectorError
from shop.runtime.engine.postgres import ResilientPostgres

from .waiting import until


class Sessions:
    """A stand-in for Postgres whose first session fails."""

    def __init__(self, failures: int = 1) -> None:
        self.statements: list[str] = []
        self.failures = failures

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

    async def dedicated(self) -> Any:
        raise ConnectionError("not listening")

    async def close(self) -> None:
        self.failures = 0


class Refusing(Sessions):
    """Postgres as a role that may not drive the timers sees it."""

    async def execute(self, query: str, params: Any = None) -> Any:
        if "process_timeouts" in query:
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


async def test_timers_go_on_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResilientPostgres, "_PAUSE", 0.05)
    sessions = Sessions()
    postgres = ResilientPostgres(sessions=sessions)
    for _ in range(2):
        await postgres._fire_timers()
    assert sessions.statements == []
    await asyncio.sleep(0.06)
    await postgres._fire_timers()
    assert sessions.statements == ["SELECT resonate.process_timeouts()"]


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
