"""The schedule `nightly`."""

from orders.schedules import put_in_place
from orders.workflows.schedules import SCHEDULES
from orders.workflows.worker import SERVED
from tests.conftest import Service

SCHEDULE = next(schedule for schedule in SCHEDULES if schedule.name == "nightly")


async def test_it_is_put_in_place(service: Service) -> None:
    await put_in_place(service.engine, SCHEDULES, service="orders")
    record = await service.engine.resonate.schedules.get("orders/nightly")
    assert record.cron == SCHEDULE.cron


def test_what_it_starts_is_served() -> None:
    assert SCHEDULE.workflow.name == "tidy-up"
    assert SCHEDULE.workflow in [served.contract for served in SERVED]
