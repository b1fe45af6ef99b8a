"""`dev`: the whole service in one process, with the engine inside."""

import logging
from pathlib import Path

import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from shop.runtime import dev
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.service import Service
from shop.runtime.testing.databases import Databases, read_rows
from shop.runtime.testing.running import SECRET, RunningService, StartService

from .planting import planted_service

pytestmark = pytest.mark.usefixtures("no_settings")


class Nothing(BaseModel):
    """A request or a result without content."""


nothing = Rpc(name="nothing", group="elsewhere", request=Nothing, result=Nothing)


async def test_it_serves_every_group(definition: Service, service: RunningService) -> None:
    """A function that it does not serve would leave its callers waiting."""
    registry = service.client.resonate._registry
    for worker in definition.workers():
        assert [entry.name for entry in worker.served if registry.get(entry.name, entry.version) is None] == []
    assert registry.get("gate.hold", 1) is not None
    assert (service.client.group, isinstance(service.client.network, LocalConnection)) == ("dev", True)


async def test_it_serves_what_a_test_gives(start_service: StartService) -> None:
    @serve(nothing)
    async def do_nothing(ctx: Context, request: Nothing) -> Nothing:
        return request

    async with start_service([do_nothing]) as service:
        assert await service.run(nothing, "job/1", Nothing()) == Nothing()


def test_no_function_is_served_twice(definition: Service) -> None:
    served = [(entry.name, entry.version) for entry in dev.registrations(definition)]
    assert sorted(served) == sorted(set(served))


def test_its_database_is_migrated_and_seeded(
    definition: Service,
    databases: Databases,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    empty = databases.create_empty()
    monkeypatch.setenv("DATABASE_URL", empty)
    monkeypatch.setenv("WEBHOOK_SECRETS", f"approvals:{SECRET}")
    monkeypatch.setattr("shop.runtime.telemetry.logs.configure", lambda level, log_format: None)
    with caplog.at_level(logging.WARNING):
        app = definition.application()
    assert app.title == "shop"
    assert read_rows(empty) == read_rows(database_url)
    assert "jobs do not survive a stop or a reload" in caplog.text
    databases.drop(empty)


SCHEDULED = """
from pydantic import BaseModel
from shop.runtime.durable.rpc import Rpc
from shop.runtime.durable.schedules import Schedule


class Nothing(BaseModel):
    pass


SERVED = []
SCHEDULES = [Schedule("nightly", "0 0 * * *", Rpc("nothing", "elsewhere", Nothing, Nothing), Nothing())]
"""


def test_schedules_that_do_not_run_are_named(
    definition: Service,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr("shop.runtime.telemetry.logs.configure", lambda level, log_format: None)
    monkeypatch.setattr(dev, "migrate", lambda url, migrations: None)
    with planted_service(tmp_path, {"workflows/worker.py": SCHEDULED}) as planted, caplog.at_level(logging.WARNING):
        planted.application()
    assert "the engine in process starts nothing by the clock: no runs of nightly" in caplog.text
