"""`durable.schedules`: the engine's schedules follow the list, and nobody else's are touched."""

import json
import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from resonate.error import ConnectorError, ServerError
from resonate.types import ScheduleRecord, TaskData, Value
from shop.runtime.durable import schedules
from shop.runtime.durable.cron import find_previous
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.durable.schedule_states import schedule_states
from shop.runtime.durable.scheduled_runs import LIFETIME
from shop.runtime.durable.schedules import Schedule, run_now, sync_schedules
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.namespace import Namespace
from shop.runtime.engine.postgres import ResilientPostgres
from shop.runtime.engine.worker import stop
from shop.runtime.errors import OperatorError
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings

pytestmark = pytest.mark.usefixtures("no_settings")


class Tidy(BaseModel):
    """A request."""

    keep_days: int = 30


class Tidied(BaseModel):
    """A result."""

    removed: int


tidy = Rpc(name="tidy", group="workers", request=Tidy, result=Tidied, timeout=timedelta(minutes=10), version=2)
NIGHTLY = Schedule("nightly", "30 2 * * *", tidy, Tidy())
WEEKLY = Schedule("weekly", "0 6 * * MON", tidy, Tidy(keep_days=7))


class SlowEngine(LocalConnection):
    """An engine that notes its requests, and answers a search in pages of one.

    It is away for the first ``away`` requests. ``faster``: whenever a delete arrives, somebody else has made it.
    """

    away = 0
    faster = False

    def __init__(self) -> None:
        super().__init__(group="tests")
        self.requests: list[str] = []

    async def send(self, req: str, headers: dict[str, str] | None = None) -> str:
        if self.away:
            self.away -= 1
            raise ConnectorError(ConnectionRefusedError())
        request = json.loads(req)
        self.requests.append(request["kind"])
        if self.faster and request["kind"] == "schedule.delete":
            self.state.schedules.clear()
        response = await super().send(req, headers)
        return self.page(request, response) if request["kind"] == "schedule.search" else response

    @staticmethod
    def page(request: dict[str, dict[str, str]], text: str) -> str:
        response = json.loads(text)
        cursor = request["data"].get("cursor", "")
        found = sorted(response["data"]["schedules"], key=lambda each: str(each["id"]))
        left = [each for each in found if each["id"] > cursor]
        response["data"] = {"schedules": left[:1], "cursor": left[0]["id"] if len(left) > 1 else None}
        return json.dumps(response)


@pytest.fixture
def local() -> SlowEngine:
    return SlowEngine()


@pytest.fixture
async def client(definition: Service, local: SlowEngine) -> AsyncIterator[EngineClient]:
    settings = make_settings(definition)
    client = build(settings, definition.namespace(settings), "workers", listens=False, local=local)
    client.resonate.start()
    yield client
    await stop(client, timedelta(seconds=1))


async def find(client: EngineClient, schedule_id: str) -> ScheduleRecord:
    return await client.resonate.schedules.get(schedule_id)


def tags_of_runs(schedule: str, namespace: str = "shop", target: str = "poll://any@shop.workers") -> dict[str, str]:
    found = {"run:service": namespace, "run:kind": "schedule", "run:schedule": schedule}
    return {"resonate:target": target, **found}


async def test_a_schedule_is_created_with_its_request(client: EngineClient) -> None:
    await sync_schedules(client, [WEEKLY], prefix="shop")
    record = await find(client, "shop/weekly")
    assert (record.cron, record.promise_timeout) == ("0 6 * * MON", LIFETIME.total_seconds() * 1000)
    assert record.promise_id == "shop/schedule/weekly-{{.timestamp}}"
    assert record.promise_tags == tags_of_runs("weekly")
    task = client.resonate.schedules.codec.decode(record.promise_param)
    assert (task["func"], task["version"]) == ("schedule.run", 1)
    (plan,) = task["args"]
    assert (plan["function"], plan["version"], plan["group"]) == ("tidy", 2, "workers")
    assert (plan["request"], plan["timeout_ms"]) == ({"keep_days": 7}, 600_000)
    assert (plan["catch_up"], plan["overlap"], plan["since"]) == ("latest", "skip", None)


async def test_a_schedule_in_the_empty_namespace(definition: Service, local: SlowEngine) -> None:
    """Schedules keep the service's name, because all that begin with it count as its own; their runs do not."""
    settings = make_settings(definition, namespace="")
    client = build(settings, definition.namespace(settings), "workers", listens=False, local=local)
    client.resonate.start()
    await sync_schedules(client, [NIGHTLY], prefix=definition.schedule_prefix(settings))
    record = await find(client, "shop/nightly")
    assert record.promise_id == "schedule/nightly-{{.timestamp}}"
    assert record.promise_tags == tags_of_runs("nightly", namespace="", target="poll://any@workers")
    await stop(client, timedelta(seconds=1))


def test_the_prefix_of_schedules_is_never_empty(definition: Service) -> None:
    for namespace, prefix in (("shop", "shop"), ("other-name", "other-name"), ("", "shop")):
        assert definition.schedule_prefix(make_settings(definition, namespace=namespace)) == prefix


async def test_a_schedule_for_a_group_of_somebody_else(client: EngineClient) -> None:
    foreign = Rpc("pay", "payments.workers", Tidy, Tidied)
    await sync_schedules(client, [Schedule("pay", "0 0 * * *", foreign, Tidy())], prefix="shop")
    record = await find(client, "shop/pay")
    assert record.promise_tags == tags_of_runs("pay")  # Our own group decides, and then calls it.
    (plan,) = client.resonate.schedules.codec.decode(record.promise_param)["args"]
    assert (plan["function"], plan["group"]) == ("pay", "payments.workers")


def test_a_workflow_is_given_as_contract_or_as_registration() -> None:
    @serve(tidy)
    async def tidy_up(ctx: Context, request: Tidy) -> Tidied:
        return Tidied(removed=request.keep_days)

    by_registration = Schedule("nightly", "30 2 * * *", tidy_up, Tidy())
    assert by_registration == NIGHTLY
    assert by_registration.workflow is tidy


async def test_what_is_as_it_should_be_is_left_alone(client: EngineClient, local: SlowEngine) -> None:
    await sync_schedules(client, [NIGHTLY, WEEKLY], prefix="shop")
    before = await find(client, "shop/nightly")
    local.requests.clear()
    await sync_schedules(client, [NIGHTLY, WEEKLY], prefix="shop")
    assert "schedule.delete" not in local.requests
    assert await find(client, "shop/nightly") == before


@pytest.mark.parametrize(
    "changed",
    [
        Schedule("nightly", "30 3 * * *", tidy, Tidy()),
        Schedule("nightly", "30 2 * * *", tidy, Tidy(keep_days=31)),
        Schedule("nightly", "30 2 * * *", Rpc("tidy", "workers", Tidy, Tidied, timedelta(minutes=11), 2), Tidy()),
        Schedule("nightly", "30 2 * * *", Rpc("tidy", "workers", Tidy, Tidied, timedelta(minutes=10), 3), Tidy()),
        Schedule("nightly", "30 2 * * *", Rpc("tidy", "others", Tidy, Tidied, timedelta(minutes=10), 2), Tidy()),
        Schedule("nightly", "30 2 * * *", tidy, Tidy(), catch_up="none"),
        Schedule("nightly", "30 2 * * *", tidy, Tidy(), overlap="queue"),
    ],
    ids=["cron", "request", "timeout", "version", "group", "catch_up", "overlap"],
)
async def test_a_change_replaces_it(changed: Schedule, client: EngineClient, local: SlowEngine) -> None:
    await sync_schedules(client, [NIGHTLY], prefix="shop")
    before = await find(client, "shop/nightly")
    local.requests.clear()
    await sync_schedules(client, [changed], prefix="shop")
    assert local.requests == ["schedule.create", "schedule.delete", "schedule.create", "schedule.search"]
    assert await find(client, "shop/nightly") != before
    local.requests.clear()
    await sync_schedules(client, [changed], prefix="shop")
    assert local.requests == ["schedule.create", "schedule.search"]


async def test_a_change_of_the_namespace_replaces_it(client: EngineClient, local: SlowEngine) -> None:
    await sync_schedules(client, [NIGHTLY], prefix="shop")
    elsewhere = EngineClient(client.resonate, local, None, Namespace(), "workers")
    local.requests.clear()
    await sync_schedules(elsewhere, [NIGHTLY], prefix="shop")
    assert "schedule.delete" in local.requests
    assert (await find(client, "shop/nightly")).promise_id == "schedule/nightly-{{.timestamp}}"


async def test_what_has_left_the_list_is_removed_and_no_other(client: EngineClient, local: SlowEngine) -> None:
    foreign = ("shop", "shop-2/nightly", "shopping/nightly", "other/shop/nightly")
    for schedule_id in foreign:
        await client.resonate.schedules.create(
            schedule_id, "* * * * *", "x", 1, Value(data=TaskData(func="x")), {"resonate:target": "poll://any@x"}
        )
    await sync_schedules(client, [NIGHTLY, WEEKLY], prefix="shop")
    await sync_schedules(client, [WEEKLY], prefix="shop")
    assert set(local.state.schedules) == {*foreign, "shop/weekly"}
    await sync_schedules(client, [], prefix="shop")
    assert set(local.state.schedules) == set(foreign)


async def test_what_another_worker_has_removed_is_no_error(client: EngineClient, local: SlowEngine) -> None:
    await sync_schedules(client, [NIGHTLY], prefix="shop")
    local.faster = True
    await sync_schedules(client, [], prefix="shop")
    assert local.requests[-1] == "schedule.delete"
    assert local.state.schedules == {}


async def test_an_engine_that_is_away_is_waited_for(
    client: EngineClient, local: SlowEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schedules, "PAUSE", 0)
    local.away = 3
    with caplog.at_level(logging.WARNING):
        await sync_schedules(client, [NIGHTLY], prefix="shop")
    assert "shop/nightly" in local.state.schedules
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["schedules wait for the engine"]


async def test_a_schedule_that_the_engine_refuses_is_left_out(
    client: EngineClient, local: SlowEngine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = Schedule("odd", "1 2 3 4 *", tidy, Tidy())
    create = client.resonate.schedules.create

    async def refuse(id: str, cron: str, **given: object) -> ScheduleRecord:
        if cron == odd.cron:
            raise ServerError(400, "no such cron")
        return await create(id=id, cron=cron, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(client.resonate.schedules, "create", refuse)
    await sync_schedules(client, [odd, NIGHTLY], prefix="shop")
    assert set(local.state.schedules) == {"shop/nightly"}
    assert "the engine refuses schedule shop/odd (1 2 3 4 *)" in caplog.text


async def test_a_schedule_is_run_now(client: EngineClient, local: SlowEngine) -> None:
    await sync_schedules(client, [NIGHTLY, WEEKLY], prefix="shop")
    before = await find(client, "shop/weekly")
    run_id = await run_now(client, [NIGHTLY, WEEKLY], "weekly")
    assert re.fullmatch(r"shop/schedule/weekly-1[0-9]{12}", run_id)
    record = local.state.promises[run_id]
    assert record.tags["resonate:target"] == "poll://any@shop.workers"
    found = await client.find(run_id.removeprefix("shop/"))
    assert found is not None and tidy.stored_request(found) == Tidy(keep_days=7)
    assert await find(client, "shop/weekly") == before
    with pytest.raises(OperatorError, match="there is no schedule 'yearly'\nSchedules: nightly, weekly"):
        await run_now(client, [NIGHTLY, WEEKLY], "yearly")
    with pytest.raises(OperatorError, match="Schedules: none yet"):
        await run_now(client, [], "yearly")


async def test_postgres_is_told_weekdays_and_months_by_number(definition: Service) -> None:
    settings = make_settings(definition, resonate_url="postgresql://127.0.0.1:9/x")
    client = build(settings, definition.namespace(settings), "workers", listens=False)
    assert isinstance(client.network, ResilientPostgres)
    schedule = Schedule("odd", "*/5 8-18 * jan,Jul MON-FRI", tidy, Tidy())
    assert schedules._cron(client, schedule) == "*/5 8-18 * 1,7 1-5"
    await stop(client, timedelta(seconds=1))


async def test_how_schedules_stand(client: EngineClient) -> None:
    await sync_schedules(client, [NIGHTLY], prefix="shop")
    now = client.clock.now_ms()
    for back, result in ((1, {"skipped": "overlap"}), (3, {"removed": 1})):
        due = now
        for _ in range(back):
            due = find_previous(NIGHTLY.cron, due) or 0
        await client.create(f"schedule/nightly-{due}", NIGHTLY.plan(client).task(), now + 60_000)
        await client.resolve(f"schedule/nightly-{due}", result)
    nightly, weekly = await schedule_states(client, [NIGHTLY, WEEKLY], "shop")
    assert (nightly.name, nightly.workflow, nightly.is_kept, nightly.skipped) == ("nightly", "tidy", True, "overlap")
    assert nightly.last_run and nightly.last_run.status == "succeeded"
    first, *others = nightly.next_times
    assert (first.hour, first.minute) == (2, 30) and first.timestamp() * 1000 > now
    assert [at - first for at in others] == [timedelta(days=1), timedelta(days=2)]
    assert (weekly.is_kept, weekly.last_run, [at.isoweekday() for at in weekly.next_times]) == (False, None, [1, 1, 1])
