"""`engine.namespace`: services that share an engine do not meet, and their own code sees ids without the namespace."""

from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from shop.runtime.durable.ids import call_id, job_id
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.client import EngineClient
from shop.runtime.engine.namespace import Namespace
from shop.runtime.service import API, Service
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import RunningService, StartService

from . import orders as order_routes
from .telemetry import counted

OURS = Namespace("shop", frozenset({"workers", "db", "api"}))
EMPTY = Namespace("", frozenset({"workers", "db", "api"}))


@pytest.mark.parametrize(
    ("namespace", "group", "expected"),
    [
        (OURS, "workers", "shop.workers"),
        (OURS, "db", "shop.db"),
        (OURS, "payments", "payments"),
        (OURS, "payments.workers", "payments.workers"),
        (OURS, "shop.workers", "shop.workers"),
        (EMPTY, "workers", "workers"),
        (EMPTY, "payments.workers", "payments.workers"),
        (Namespace(), "workers", "workers"),
    ],
)
def test_groups(namespace: Namespace, group: str, expected: str) -> None:
    assert namespace.group(group) == expected
    assert namespace.target(group) == f"poll://any@{expected}"


@pytest.mark.parametrize("local", ["job/order-1", "job/order-1:2", "approve/job/order-1", "nightly", "shop/nightly"])
def test_ids(local: str) -> None:
    assert OURS.engine_id(local) == f"shop/{local}"
    assert OURS.local_id(f"shop/{local}") == local
    assert EMPTY.engine_id(local) == local
    assert EMPTY.local_id(local) == local


def test_an_id_of_somebody_else_stays_as_it_is() -> None:
    assert OURS.local_id("shopping/job/order-1") == "shopping/job/order-1"
    assert OURS.local_id("payments/job/order-1") == "payments/job/order-1"


@pytest.mark.usefixtures("no_settings")
def test_the_namespace_of_a_service(definition: Service) -> None:
    default = definition.namespace(make_settings(definition))
    assert (default.name, set(default.groups)) == ("shop", {*definition.groups, API})
    assert definition.namespace(make_settings(definition, namespace="")).name == ""
    assert definition.namespace(make_settings(definition, namespace="shop-2")).group("workers") == "shop-2.workers"


# A running service


def promises(service: RunningService) -> dict[str, dict[str, str]]:
    """The tags of all promises on its engine, by id."""
    assert isinstance(service.client.network, LocalConnection)
    return {promise.id: promise.tags for promise in service.client.network.state.promises.values()}


@pytest.fixture(params=["shop", "other-name", ""])
async def service(request: pytest.FixtureRequest, start_service: StartService) -> AsyncIterator[RunningService]:
    """The service with orders, in this namespace."""
    async with start_service(order_routes.SERVED, namespace=request.param, sync_wait=10) as service:
        order_routes.include(service.app)
        yield service


async def test_ids_on_the_engine_and_outside(service: RunningService) -> None:
    prefix = f"{service.settings.namespace}/" if service.settings.namespace else ""
    submitted = await service.http.post("/customers/c-1/orders?number=0", headers={"Idempotency-Key": "k"})
    assert (submitted.json()["id"], submitted.headers["Location"]) == ("k", "/customers/c-1/orders/k")
    gate = await service.poll_until(lambda: service.client.find("payment/order/k"), "the order waits to be paid")
    paid = await service.send_signed("/webhooks/payments", {"job_id": "k", "paid": True})
    assert paid.status_code == 200
    polled = await service.http.get(submitted.headers["Location"], headers={"Prefer": "wait=10"})
    assert (polled.json()["id"], polled.json()["status"]) == ("k", "succeeded")
    # What the client returns has the ids that the service's own code uses.
    record = await service.client.find("order/k")
    assert record is not None and (record.id, gate.id) == ("order/k", "payment/order/k")

    made = promises(service)
    assert {f"{prefix}order/k", f"{prefix}payment/order/k"} <= made.keys()
    assert all(promise_id.startswith((f"{prefix}order/", f"{prefix}payment/")) for promise_id in made)
    for promise_id, tags in made.items():
        assert tags["resonate:origin"] == promise_id.partition(":")[0]


class Seen(BaseModel):
    """The ids that a durable function sees."""

    ids: list[tuple[str, str]] = []


look = Rpc(name="look", group="workers", request=Seen, result=Seen)
look_below = Rpc(name="db.look", group="db", request=Seen, result=Seen)
look_elsewhere = Rpc(name="payments.look", group="payments.workers", request=Seen, result=Seen)


def ids_of(ctx: Context) -> tuple[str, str]:
    return job_id(ctx), call_id(ctx)


async def look_in_step(ctx: Context) -> tuple[str, str]:
    return ids_of(ctx)


@serve(look)
async def look_everywhere(ctx: Context, request: Seen) -> Seen:
    found = [ids_of(ctx), await ctx.run(look_in_step)]
    for contract in (look_below, look_elsewhere):
        found += (await contract(ctx, request)).ids
    return Seen(ids=found)


@serve(look_below)
async def look_in_db(ctx: Context, request: Seen) -> Seen:
    return Seen(ids=[ids_of(ctx)])


look_by_others = serve(look_elsewhere)(look_in_db.function)


@pytest.mark.parametrize("namespace", ["shop", ""])
async def test_durable_functions_see_no_namespace(start_service: StartService, namespace: str) -> None:
    served = [look_everywhere, look_in_db, look_by_others]
    async with start_service(served, namespace=namespace) as service:
        seen = await service.run(look, "job/order-1", Seen())
        made = promises(service)
    ids = [f"job/order-1{below}" for below in ("", ":1", ":2", ":3")]
    assert seen.ids == [("order-1", promise_id) for promise_id in ids]
    # The groups of the service have its namespace; another's is as its contract has it.
    prefix, dot = (f"{namespace}/", f"{namespace}.") if namespace else ("", "")
    groups = [made[prefix + promise_id].get("resonate:target", "").rpartition("@")[2] for promise_id in ids]
    assert groups == [f"{dot}workers", "", f"{dot}db", "payments.workers"]


async def test_two_services_on_one_engine_do_not_meet(start_service: StartService) -> None:
    async with start_service([look_everywhere, look_in_db, look_by_others]) as service:
        other = EngineClient(service.client.resonate, service.client.network, None, Namespace("other"), "api")
        await service.run(look, "job/order-1", Seen())
        assert await other.find("job/order-1") is None
        record = await other.create("job/order-1", None, 2**60)
        assert (record.id, record.state) == ("job/order-1", "pending")
        assert {"shop/job/order-1", "other/job/order-1"} <= promises(service).keys()


async def test_the_process_metric_names_namespace_and_group(start_service: StartService) -> None:
    async with start_service(namespace="metric-test"):
        assert counted("service_process_info", namespace="metric-test", group="dev") == 1
