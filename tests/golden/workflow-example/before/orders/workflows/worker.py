"""Group `workers`: SERVED are the workflows that it runs, SCHEDULES what the engine starts by the clock, in UTC."""

from ..runtime.durable.rpc import Registration
from ..runtime.durable.schedules import Schedule
from .aggregate import aggregate
from .process_job import process_job

GROUP = "workers"

SERVED: list[Registration] = [
    process_job,
    aggregate,
]

SCHEDULES: list[Schedule] = []
