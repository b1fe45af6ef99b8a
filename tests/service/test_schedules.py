"""The engine's schedules follow the list, and nobody else's are touched."""

import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.error import ConnectorError
from resonate.types import ScheduleRecord, TaskData, Value

from {{ package_name }} import (
    dev,
    schedules,
)
from {{ package_name }}.engine import (
    Engine,
    SteadyPostgres,
    connect,
)
from {{ package_name }}.rpc import (
    Rpc,
)
from {{ package_name }}.schedules import (
    Schedule,
    put_in_place,
)
from {{ package_name }}.settings import (
    Settings,
)
from {{ package_name }}.workflows.schedules import (
    SCHEDULES,
)

from .conftest import SECRET


class Tidy(BaseModel):
    """A request."""

    keep_days: int = 30


class Tidied(BaseModel):
    """A result."""

    removed: int


tidy = Rpc(name="tidy", group="workers", request=Tidy, result=Tidied, timeout=timedelta(minutes=10), version=2)
NIGHTLY = Schedule("nightly", "30 2 * * *", tidy, Tidy())
WEEKLY = Schedule("weekly", "0 6 * * MON", tidy, Tidy(keep_days=7))


class Engines(LocalConnection):
    """Notes what it is asked, answers a search in pages of one, and is away for the first ``away`` requests.

    ``faster``: somebody else has deleted a schedule whenever a delete arrives.
    """

    away = 0
    faster = False

    def __init__(self) -> None:
        super().__init__(group="tests")
        self.asked: list[str] = []

    async def send(self, req: str, headers: dict[str, str] | None = None) -> str:
        if self.away:
            self.away -= 1
            raise ConnectorError(ConnectionRefusedError())
        request = json.loads(req)
        self.asked.append(request["kind"])
        if self.faster and request["kind"] == "schedule.delete":
            self.state.schedules.clear()
        answer = await super().send(req, headers)
        return self.page(request, answer) if request["kind"] == "schedule.search" else answer

    @staticmethod
    def page(request: dict[str, dict[str, str]], answer: str) -> str:
        response = json.loads(answer)
        cursor = request["data"].get("cursor", "")
        found = sorted(response["data"]["schedules"], key=lambda each: str(each["id"]))
        left = [each for each in found if each["id"] > cursor]
        response["data"] = {"schedules": left[:1], "cursor": left[0]["id"] if len(left) > 1 else None}
        return json.dumps(response)


@pytest.fixture
def local() -> Engines:
    return Engines()


@pytest.fixture
async def engine(local: Engines) -> AsyncIterator[Engine]:
    settings = Settings(webhook_secret=SECRET, database_url="sqlite:///unused.db", _env_file=None)
    engine = connect(settings, "tests", local=local)
    yield engine
    await engine.stop(timedelta(seconds=1))


async def found(engine: Engine, schedule_id: str) -> ScheduleRecord:
    return await engine.resonate.schedules.get(schedule_id)


async def test_a_schedule_is_created_with_its_request(engine: Engine) -> None:
    await put_in_place(engine, [WEEKLY], service="shop")
    record = await found(engine, "shop/weekly")
    assert (record.cron, record.promise_id, record.promise_timeout) == (
        "0 6 * * MON",
        "{{ '{{' }}.id{{ '}}' }}-{{ '{{' }}.timestamp{{ '}}' }}",
        600_000,
    )
    assert record.promise_tags == {"resonate:target": "poll://any@workers"}
    task = engine.resonate.schedules.codec.decode(record.promise_param)
    assert task == {"func": "tidy", "args": [{"keep_days": 7}], "kwargs": {}, "version": 2}


async def test_what_is_as_it_should_be_is_left_alone(engine: Engine, local: Engines) -> None:
    await put_in_place(engine, [NIGHTLY, WEEKLY], service="shop")
    before = await found(engine, "shop/nightly")
    local.asked.clear()
    await put_in_place(engine, [NIGHTLY, WEEKLY], service="shop")
    assert "schedule.delete" not in local.asked
    assert await found(engine, "shop/nightly") == before


@pytest.mark.parametrize(
    "changed",
    [
        Schedule("nightly", "30 3 * * *", tidy, Tidy()),
        Schedule("nightly", "30 2 * * *", tidy, Tidy(keep_days=31)),
        Schedule("nightly", "30 2 * * *", Rpc("tidy", "workers", Tidy, Tidied, timedelta(minutes=11), 2), Tidy()),
        Schedule("nightly", "30 2 * * *", Rpc("tidy", "workers", Tidy, Tidied, timedelta(minutes=10), 3), Tidy()),
        Schedule("nightly", "30 2 * * *", Rpc("tidy", "others", Tidy, Tidied, timedelta(minutes=10), 2), Tidy()),
    ],
)
async def test_a_change_replaces_it(changed: Schedule, engine: Engine, local: Engines) -> None:
    await put_in_place(engine, [NIGHTLY], service="shop")
    before = await found(engine, "shop/nightly")
    local.asked.clear()
    await put_in_place(engine, [changed], service="shop")
    assert local.asked == ["schedule.create", "schedule.delete", "schedule.create", "schedule.search"]
    assert await found(engine, "shop/nightly") != before
    local.asked.clear()
    await put_in_place(engine, [changed], service="shop")
    assert local.asked == ["schedule.create", "schedule.search"]


async def test_what_has_left_the_list_is_removed_and_no_other(engine: Engine, local: Engines) -> None:
    foreign = ("shop", "shop-2/nightly", "shopping/nightly", "other/shop/nightly")
    for schedule_id in foreign:
        await engine.resonate.schedules.create(
            schedule_id, "* * * * *", "x", 1, Value(data=TaskData(func="x")), {"resonate:target": "poll://any@x"}
        )
    await put_in_place(engine, [NIGHTLY, WEEKLY], service="shop")
    await put_in_place(engine, [WEEKLY], service="shop")
    assert set(local.state.schedules) == {*foreign, "shop/weekly"}
    await put_in_place(engine, [], service="shop")
    assert set(local.state.schedules) == set(foreign)


async def test_what_another_worker_has_removed_is_no_error(engine: Engine, local: Engines) -> None:
    await put_in_place(engine, [NIGHTLY], service="shop")

    local.faster = True
    await put_in_place(engine, [], service="shop")
    assert local.asked[-1] == "schedule.delete"
    assert local.state.schedules == {}


async def test_an_engine_that_is_away_is_waited_for(
    engine: Engine, local: Engines, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schedules, "PAUSE", 0)
    local.away = 3
    with caplog.at_level(logging.WARNING):
        await put_in_place(engine, [NIGHTLY], service="shop")
    assert "shop/nightly" in local.state.schedules
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["schedules wait for the engine"]


async def test_postgres_is_told_weekdays_and_months_by_number() -> None:
    settings = Settings(
        webhook_secret=SECRET, database_url="sqlite:///x.db", resonate_url="postgresql://127.0.0.1:9/x", _env_file=None
    )
    engine = connect(settings, "tests")
    assert isinstance(engine.network, SteadyPostgres)
    schedule = Schedule("odd", "*/5 8-18 * jan,Jul MON-FRI", tidy, Tidy())
    assert schedules._cron(engine, schedule) == "*/5 8-18 * 1,7 1-5"
    await engine.stop(timedelta(seconds=1))


def test_what_the_clock_starts_is_served_and_has_a_name_of_its_own() -> None:
    names = [schedule.name for schedule in SCHEDULES]
    assert sorted(names) == sorted(set(names))
    served = [entry.contract for entry in dev.SERVED]
    assert [schedule.name for schedule in SCHEDULES if schedule.workflow not in served] == []
