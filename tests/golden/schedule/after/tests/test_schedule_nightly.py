"""The schedule `nightly`."""

from orders.runtime.durable.schedules import sync_schedules
from orders.runtime.service import Service
from orders.runtime.testing.running import RunningService
from orders.workflows.worker import SCHEDULES, SERVED

SCHEDULE = next(schedule for schedule in SCHEDULES if schedule.name == "nightly")


async def test_it_is_put_in_place(definition: Service, service: RunningService) -> None:
    prefix = definition.schedule_prefix(service.settings)
    await sync_schedules(service.client, SCHEDULES, prefix=prefix)
    record = await service.client.resonate.schedules.get(f"{prefix}/nightly")
    assert record.cron == SCHEDULE.cron


def test_what_it_starts_is_served() -> None:
    assert SCHEDULE.workflow.name == "tidy-up"
    assert SCHEDULE.workflow in [served.contract for served in SERVED]
