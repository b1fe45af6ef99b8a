"""Group `workers`: SERVED are the workflows that it runs, SCHEDULES what the engine starts by the clock, in UTC."""

from ..runtime.durable.rpc import Registration
from ..runtime.durable.schedules import Schedule
from .aggregate import aggregate
from .process_job import process_job
from .review_accounts import review_accounts

GROUP = "workers"

SERVED: list[Registration] = [
    process_job,
    aggregate,
    review_accounts,
]

SCHEDULES: list[Schedule] = []
